import autograd
from autograd import Value

x, y = Value(2.0, "x"), Value(-3.0, "y")
f = (x * y).sin() + x**2
f.label = "f"
autograd.step_through(f).save("step_through.html")
