"""Compile rules of elementwise arithmetic on vectors, such as optimizers' updates, to one pass over all the vectors.

>>> recording = Recording()
>>> w, g = recording.vector(), recording.vector()
>>> program = recording.program([w - 0.1 * g])
>>> print(program)
x0 = argument                                               ()
x1 = argument                                               ()
number0 = argument                                          ()
v3 = mul (number0, x1)                                      ()
v4 = sub (x0, v3)                                           ()
return v4
"""

from autograd.compiler.vector_rules.passes import VectorPass, vector_pass
from autograd.compiler.vector_rules.recording import Later, NotRecordedError, Recorded, Recording, Step

__all__ = ["Later", "NotRecordedError", "Recorded", "Recording", "Step", "VectorPass", "vector_pass"]
