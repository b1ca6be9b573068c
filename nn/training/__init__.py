"""Training a network: `fit`, what computes it, what it records, and how well a network does."""
