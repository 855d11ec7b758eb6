"""Exports a trained run to files that phones, browsers and servers run, each compared with the model."""
