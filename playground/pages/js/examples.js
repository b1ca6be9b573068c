// Example programs. Each ends with the result to show.

export const EXAMPLES = [
  ["micrograd's expression", `from autograd import Value

a = Value(-4.0)
b = Value(2.0)
c = a + b
d = a * b + b**3
c += c + 1
c += 1 + c + (-a)
d += d * 2 + (b + a).relu()
d += 3 * d + (b - a).relu()
e = c - d
f = e**2
g = f / 2.0
g += 10.0 / f

g.backward()
print(f"g = {g:.4f}, dg/da = {a.grad:.4f}, dg/db = {b.grad:.4f}")
g
`],
  ["A neuron", `from autograd import Value, tanh

x1, x2 = Value(2.0, "x1"), Value(0.0, "x2")
w1, w2 = Value(-3.0, "w1"), Value(1.0, "w2")
b = Value(6.8813735870195432, "b")

z = x1 * w1 + x2 * w2 + b
a = tanh(z)
a.backward()
a
`],
  ["tanh from exp", `from autograd import Value, exp, tanh

x = Value(0.8)
e = exp(2 * x)
y = (e - 1) / (e + 1)

y.backward()
print("from exp:", y.data, x.grad)
print("tanh    :", tanh(Value(0.8)).data, 1 - tanh(0.8) ** 2)
y
`],
  ["A two-layer network", `import nn

model = nn.MLP(2, [3, 1], activation="tanh", seed=1)
x, target = [0.5, -1.0], 1.0

loss = nn.half_squared_error(model(x), target)
loss.backward()
show(model)
show(loss)    # click on a frame to close it, and on a stack to open it

for p in model.parameters():       # one step of gradient descent
    p.data -= 0.5 * p.grad
print("before:", loss.data, " after:", nn.half_squared_error(model(x), target).data)
`],
  ["Newton's method", `from autograd import Value, grad, sin

def f(x):
    return x**2 + 3 * sin(x)

df = grad(f)
ddf = grad(df)

x = 2.0
for step in range(6):
    print(f"x = {x:.12f}   f'(x) = {df(x):+.2e}")
    x = x - df(x) / ddf(x)

f(Value(x, "x"))
`],
  ["Your own function", `import autograd
from autograd import Value

# A primitive of your own: its rule, and its derivative.
cube = autograd.primitive("cube", lambda x: x * x * x, lambda x, out: (3 * x * x,))

def f(x, y):
    return cube(x) * y - (x * y).sin()

x, y = Value(1.5, "x"), Value(-0.5, "y")
f(x, y)
`],
];
