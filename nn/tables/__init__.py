"""A user's table as numbers, and back: reading, column types, missing values, encoding."""

from nn.tables.datasets import Dataset, digits, table
from nn.tables.encoding import Column, Encoded, Preprocessing
from nn.tables.missing import MARKS, POLICIES, Policy
from nn.tables.numerals import Reading
from nn.tables.reading import Dialect, Table, as_table, read_csv

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
