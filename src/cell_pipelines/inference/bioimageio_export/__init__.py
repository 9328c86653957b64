"""Packages of BioImage.IO: a network with what one must know to run it, and our decoding as a script."""
