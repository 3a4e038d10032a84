"""The golden corpus: what users can see of the product, kept by digest, to hold behaviour fixed while it is rebuilt."""
