"""Linear algebra on square matrices: determinant, inverse, systems of equations.

The decomposition follows the usual convention: rows are exchanged for the
pivot that is largest in proportion to its row, the unit lower factor stands
below the diagonal and the upper factor on and above it. A pivot of zero is
replaced by a tiny number, so that a singular matrix gives huge values rather
than an error.
"""

from __future__ import annotations

from typing import Any

from lispe_py.errors import LispError
from lispe_py.registry import primitive
from lispe_py.values.matrix import Grid, Matrix, from_array
from lispe_py.values.typed import Integers

#: What stands for a pivot of zero.
TINY = 1.5e-16
#: Rows up to which the determinant of whole numbers is computed exactly.
MOST_EXACT = 24

_NUMERIC = ("integers", "shorts", "floats", "numbers")


def _array(matrix: Grid) -> Any:
    """The members as numbers of 64 bits, in an array of its own."""
    import numpy

    return numpy.array(matrix, dtype="d")


def _is_square(matrix: Grid) -> bool:
    return matrix.shape[0] == matrix.shape[1]


def _whole_determinant(rows: list[list[int]]) -> int:
    """Fraction-free elimination: every division is exact (Bareiss, 1968)."""
    sign, last = 1, 1
    size = len(rows)
    for k in range(size - 1):
        if not rows[k][k]:
            other = next((i for i in range(k + 1, size) if rows[i][k]), None)
            if other is None:
                return 0
            rows[k], rows[other] = rows[other], rows[k]
            sign = -sign
        pivot = rows[k][k]
        for i in range(k + 1, size):
            factor = rows[i][k]
            rows[i] = [
                (pivot * x - factor * y) // last for x, y in zip(rows[i], rows[k], strict=True)
            ]
        last = pivot
    return sign * rows[-1][-1]


@primitive("determinant", pure=True)
def determinant(matrix: Any) -> float:
    """The determinant of a square matrix of numbers; exact for whole numbers.

    (determinant (rho 2 2 (numbers 4 3 2 1)))
    ; -2
    """
    if not isinstance(matrix, Matrix) or matrix.kind != "numbers":
        raise LispError(
            "We can only compute the determinant of a matrix",
            hint="matrix_number makes a matrix of numbers of other lists",
        )
    if not _is_square(matrix):
        raise LispError("we can only apply 'determinant' to square matrices")
    flat = matrix.buffer.tolist()
    size = matrix.shape[0]
    if not size:
        return 1.0
    if size <= MOST_EXACT and all(x.is_integer() for x in flat):
        rows = [[int(x) for x in flat[i * size : (i + 1) * size]] for i in range(size)]
        try:
            return float(_whole_determinant(rows))
        except OverflowError:
            raise LispError("the result is too large") from None
    import numpy

    with numpy.errstate(all="ignore"):
        return float(numpy.linalg.det(_array(matrix)))


# ---------------------------------------------------------------- decomposition


def decompose(a: Any, whole: bool = False) -> list[int]:
    """Turn an array into its LU form; the row exchanged at each step.

    ``whole``: the factors are cut to integers, as a matrix of integers holds them.
    """
    import numpy

    largest = numpy.abs(a).max(axis=1, initial=0.0)
    if not largest.all():
        raise LispError("this matrix is singular: a row of it has only zeros")
    scale = 1.0 / largest
    exchanged = []
    size = len(a)
    for k in range(size):
        weights = scale[k:] * numpy.abs(a[k:, k])
        # The last of equal candidates.
        chosen = size - 1 - int(weights[::-1].argmax())
        exchanged.append(chosen)
        if chosen != k:
            a[[k, chosen]] = a[[chosen, k]]
            scale[chosen] = scale[k]
        if a[k, k] == 0.0:
            if whole:
                raise LispError("this matrix is singular")
            a[k, k] = TINY
        factors = a[k + 1 :, k] / a[k, k]
        a[k + 1 :, k] = numpy.trunc(factors) if whole else factors
        a[k + 1 :, k + 1 :] -= numpy.outer(a[k + 1 :, k], a[k, k + 1 :])
    return exchanged


def substitute(lu: Any, exchanged: list[int], y: Any) -> Any:
    """Solve for the columns of ``y``, in place, with what :func:`decompose` made."""
    for k, other in enumerate(exchanged):
        if other != k:
            y[[k, other]] = y[[other, k]]
    size = len(lu)
    for k in range(1, size):
        y[k] -= lu[k, :k] @ y[:k]
    for k in range(size - 1, -1, -1):
        y[k] = (y[k] - lu[k, k + 1 :] @ y[k + 1 :]) / lu[k, k]
    return y


def _stored(array: Any, kind: str) -> Matrix:
    """An array as a matrix; integers are cut toward zero."""
    import numpy

    if kind in ("integers", "shorts"):
        near = numpy.rint(array)
        array = numpy.where(numpy.abs(array - near) < 1e-9, near, numpy.trunc(array))
        limit = 1 << (15 if kind == "shorts" else 63)
        if not (numpy.isfinite(array).all() and (numpy.abs(array) < limit).all()):
            raise LispError(f"the result does not fit in '{kind}'")
    return from_array(array, kind)  # type: ignore[no-any-return]


def _inverse(matrix: Any) -> Matrix:
    if not isinstance(matrix, Matrix) or matrix.kind != "numbers":
        raise LispError(
            "'invert' can only be applied to matrices",
            hint="matrix_number makes a matrix of numbers of other lists",
        )
    if not _is_square(matrix):
        raise LispError("we can only apply 'invert' to square matrices")
    import numpy

    lu = _array(matrix)
    with numpy.errstate(all="ignore"):
        exchanged = decompose(lu)
        return _stored(substitute(lu, exchanged, numpy.eye(len(lu))), matrix.kind)


def _solution(w: Any, y: Any) -> Matrix:
    if not isinstance(w, Matrix) or w.kind not in _NUMERIC:
        raise LispError("solve can only be applied to matrices")
    if not isinstance(y, Matrix) or y.kind != w.kind:
        raise LispError("solve can only be applied to matrices of same type")
    if not _is_square(w) or w.shape != y.shape:
        raise LispError("we can only apply 'solve' to square matrices of equal sizes")
    import numpy

    lu = _array(w)
    with numpy.errstate(all="ignore"):
        exchanged = decompose(lu)
        return _stored(substitute(lu, exchanged, _array(y)), w.kind)


@primitive("⌹", "invert", arity=(1, 2), pure=True)
def invert(matrix: Any, y: Any = None) -> Matrix:
    """The inverse of a square matrix of numbers; with a second matrix, as ``solve``.

    (invert (rho 2 2 (numbers 2 0 0 8)))
    ; ((0.5 0) (0 0.125))
    """
    return _inverse(matrix) if y is None else _solution(matrix, y)


@primitive("solve", pure=True)
def solve(w: Any, y: Any) -> Matrix:
    """The matrix X for which W.X is Y: square matrices of one size and kind.

    The arguments stay as they are. Matrices of integers give integers, cut.

    (solve (rho 2 2 (numbers 2 0 0 8)) (rho 2 2 (numbers 4 6 8 16)))
    ; ((2 3) (1 2))
    """
    return _solution(w, y)


@primitive("ludcmp")
def ludcmp(matrix: Any) -> Any:
    """Turn a square matrix into its LU form; gives the rows exchanged at each step.

    The unit lower factor is below the diagonal, the upper factor on and above
    it; ``lubksb`` takes both. The factors of a matrix of integers are cut.

    (setq m (rho 2 2 (numbers 4 3 8 2))) (list (ludcmp m) m)
    ; ((1 1) ((8 2) (0.5 2)))
    """
    if not isinstance(matrix, Matrix) or matrix.kind not in _NUMERIC:
        raise LispError("solve can only be applied to matrices")
    if not _is_square(matrix):
        raise LispError("we can only apply 'ludcmp' to square matrices")
    import numpy

    lu = _array(matrix)
    with numpy.errstate(all="ignore"):
        exchanged = decompose(lu, whole=matrix.kind in ("integers", "shorts"))
    changed = _stored(lu, matrix.kind)
    # The rows stay the objects that they were.
    for row, new in zip(matrix.parts, changed.parts, strict=True):
        row[:] = new
    return Integers(exchanged)


@primitive("lubksb", pure=True)
def lubksb(matrix: Any, exchanged: Any, y: Any = None) -> Matrix:
    """Solve a system with the LU form and the indexes that ``ludcmp`` made.

    Without a right side, the inverse of the matrix that was decomposed.

    (setq m (rho 2 2 (numbers 4 3 8 2))) (setq idx (ludcmp m)) (lubksb m idx)
    ; ((-0.125 0.1875) (0.5 -0.25))
    """
    if not isinstance(matrix, Matrix) or matrix.kind not in _NUMERIC:
        raise LispError("solve can only be applied to matrices")
    if not _is_square(matrix):
        raise LispError("we can only apply 'lubksb' to square matrices")
    if exchanged.__class__ is not Integers:
        raise LispError("the second element should be an integers_ (a list of integers)")
    size = matrix.shape[0]
    if len(exchanged) != size or any(not 0 <= i < size for i in exchanged):
        raise LispError("these are not the indexes that 'ludcmp' gave for this matrix")
    import numpy

    if y is None:
        right = numpy.eye(size)
    else:
        if not isinstance(y, Matrix) or y.kind != matrix.kind:
            raise LispError("solve can only be applied to matrices of same type")
        if y.shape != matrix.shape:
            raise LispError("we can only apply 'solve' to square matrices of equal sizes")
        right = _array(y)
    with numpy.errstate(all="ignore"):
        return _stored(substitute(_array(matrix), list(exchanged), right), matrix.kind)
