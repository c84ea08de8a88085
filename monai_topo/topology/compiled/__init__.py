"""What all kernels rest on.

``kernel`` (how they are compiled), ``linking`` (into their callers), ``atomic`` (numbers that threads share), ``cache``
(where compiled code is kept), ``turns`` (one process compiles, the others wait), ``versions`` (of numba that will do),
``bits`` (sets of a few things as words), ``threads`` (work in several) and ``cpus`` (how many there may be).
"""
