"""Convert a user's table to numbers and back: reading, column types, missing values, encoding."""

from nn.tables.cells import Table, as_table
from nn.tables.column import Column
from nn.tables.datasets import Dataset, digits, table
from nn.tables.encoding import Encoded, Preprocessing
from nn.tables.missing import MARKS, POLICIES, Policy
from nn.tables.numerals import Reading
from nn.tables.reading import Dialect, read_csv

__all__ = [
    "MARKS",
    "POLICIES",
    "Column",
    "Dataset",
    "Dialect",
    "Encoded",
    "Policy",
    "Preprocessing",
    "Reading",
    "Table",
    "as_table",
    "digits",
    "read_csv",
    "table",
]
