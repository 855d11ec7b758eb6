"""A run: where its files lie, the faces it was begun on, its trained model and encodings."""
