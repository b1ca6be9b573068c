"""Rules that compute vectors from vectors, place by place, as one pass of machine code over all of them.

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
