"""Decoder-only language models of the Llama kind, in the folder format of Hugging Face.

One model file; what tells the families apart stands in a table of configurations.
"""
