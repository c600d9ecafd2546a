"""Files of any kind as tables: opened, streamed through a function, or read whole."""
