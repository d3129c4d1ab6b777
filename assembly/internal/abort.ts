/** What a failed assertion of the debug build runs: a trap, so that the module imports no function. */
export function abort(_message: usize, _file: usize, _line: u32, _column: u32): void {
  unreachable();
}
