"""What the four commands share: their environment, what they print, and how they end."""
