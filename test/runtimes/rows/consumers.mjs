export const consumers = [];
