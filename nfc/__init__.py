"""nfc, the sparse-network compiler."""
