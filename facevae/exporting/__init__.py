"""From a trained run to files that a phone, a browser or a server runs, checked before anyone sees them."""
