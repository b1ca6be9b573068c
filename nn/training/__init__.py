"""Network training: `fit`, its engines and records, and evaluation."""
