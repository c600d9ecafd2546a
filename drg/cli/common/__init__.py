"""What several commands share: options and text tables."""
