"""The discrete gradient: lower links, critical cells, and gradients that two fields or a mask share."""
