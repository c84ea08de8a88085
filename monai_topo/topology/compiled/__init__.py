"""What all kernels rest on.

``kernel`` (how they are compiled), ``atomic`` (numbers that threads share), ``cache`` (where compiled code is kept),
``versions`` (of numba that will do), ``bits`` (sets of a few things as words), ``threads`` (work in several) and
``cpus`` (how many there may be).
"""
