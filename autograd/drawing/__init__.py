"""Show a graph: as a picture, as a page to step through, and as the chain rule in LaTeX."""

from autograd.drawing.dot import use_layout
from autograd.drawing.drawing import Drawing, draw
from autograd.drawing.explanation import Explanation, explain
from autograd.drawing.page import StepThrough, step_through
from autograd.drawing.picture import Picture

__all__ = ["Drawing", "Explanation", "Picture", "StepThrough", "draw", "explain", "step_through", "use_layout"]
