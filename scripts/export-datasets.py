"""Writes the data sets of the examples as CSV, from the copies that scikit-learn carries.

    python3 scripts/export-datasets.py

writes examples/data/digits.csv, examples/data/iris.csv and examples/data/README.md.
"""

import os

from sklearn.datasets import load_digits, load_iris

FOLDER = os.path.join(os.path.dirname(__file__), '..', 'examples', 'data')

README = """# Data sets of the examples

Both files are written by `scripts/export-datasets.py` from the copies that scikit-learn carries. Both data sets are published by the UCI Machine Learning Repository under the [Creative Commons Attribution 4.0 International licence](https://creativecommons.org/licenses/by/4.0/) (CC BY 4.0). The values are as scikit-learn carries them; only the form (CSV with a header) is ours.

## digits.csv

1,797 handwritten digits of 8 × 8 pixels: columns `pixel0` to `pixel63` (row by row, whole numbers from 0, white, to 16, black) and `label` (0 to 9).

Source: E. Alpaydin, C. Kaynak, _Optical Recognition of Handwritten Digits_, UCI Machine Learning Repository (1998), [doi:10.24432/C50P49](https://doi.org/10.24432/C50P49). These are the rows of the original's test set, as carried by scikit-learn (`sklearn.datasets.load_digits`). Licence: CC BY 4.0.

## iris.csv

150 flowers of three species: columns `sepal_length`, `sepal_width`, `petal_length`, `petal_width` (in cm) and `species` (`setosa`, `versicolor`, `virginica`).

Source: R. A. Fisher, _The use of multiple measurements in taxonomic problems_ (1936); _Iris_, UCI Machine Learning Repository, [doi:10.24432/C56C76](https://doi.org/10.24432/C56C76). As carried by scikit-learn (`sklearn.datasets.load_iris`), whose version matches Fisher's paper: it corrects two rows in which the UCI file differs from it. Licence: CC BY 4.0.
"""


def write(name, text):
    with open(os.path.join(FOLDER, name), 'w', encoding='utf-8', newline='\n') as file:
        file.write(text)


def csv(header, rows):
    return ''.join(','.join(row) + '\n' for row in [header, *rows])


def main():
    os.makedirs(FOLDER, exist_ok=True)

    digits = load_digits()
    assert digits.data.shape == (1797, 64) and digits.data.min() == 0 and digits.data.max() == 16
    assert (digits.data == digits.data.astype(int)).all()
    rows = [
        [*(str(int(v)) for v in pixels), str(label)]
        for pixels, label in zip(digits.data, digits.target)
    ]
    write('digits.csv', csv([*(f'pixel{i}' for i in range(64)), 'label'], rows))

    iris = load_iris()
    assert iris.data.shape == (150, 4)
    rows = [
        [*(f'{v:.1f}' for v in values), str(iris.target_names[label])]
        for values, label in zip(iris.data, iris.target)
    ]
    header = ['sepal_length', 'sepal_width', 'petal_length', 'petal_width', 'species']
    write('iris.csv', csv(header, rows))

    write('README.md', README)


main()
