"""The kinds of values of the language."""
