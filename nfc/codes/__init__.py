"""The catalogue of diagnostic codes: a page of Markdown each."""
