"""The training loop: what it computes, and that a resumed run is the same run."""

from __future__ import annotations

import io
import re

import pytest
import torch
import torch.nn.functional as F

import lispe_py.primitives
from lispe_py import LispE, LispError
from lispe_py.primitives.layers import MLP

lispe_py.primitives.load()


@pytest.fixture
def lisp(tmp_path) -> LispE:
    return fresh(tmp_path)


def fresh(folder) -> LispE:  # type: ignore[no-untyped-def]
    interpreter = LispE(stderr=io.StringIO())
    interpreter.eval("(use 'lispe_torch)")
    interpreter.define("dir", str(folder) + "/")
    generator = torch.Generator().manual_seed(5)
    interpreter.define("x", torch.randn(20, 3, generator=generator))
    interpreter.define("y", torch.randn(20, 2, generator=generator))
    return interpreter


def test_one_epoch_by_hand(lisp: LispE) -> None:
    lisp.eval('(setq m (torch_model 3 4 2)) (setq o (torch_optimizer m 0.1 "sgd"))')
    model = MLP(3, 4, 2)
    model.load_state_dict(lisp.eval("m").state_dict())
    found = lisp.eval(
        '(torch_train m o (list x y) "mse" (dictionary "batch_size" 8 "shuffle" nil "epochs" 2))'
    )
    x, y = lisp.eval("x"), lisp.eval("y")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    means = []
    for _ in range(2):
        total = 0.0
        for begin in (0, 8, 16):
            optimizer.zero_grad()
            loss = F.mse_loss(model(x[begin : begin + 8]), y[begin : begin + 8])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x[begin : begin + 8])
        means.append(total / 20)
    assert list(found["loss"]) == pytest.approx(means, rel=1e-5)
    assert (found["epochs"], found["steps"], found["ended"]) == (2, 6, "completed")
    for a, b in zip(lisp.eval("m").parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_accumulated_batches_equal_one_large_batch(lisp: LispE) -> None:
    weights = []
    for options in ('"batch_size" 20', '"batch_size" 5 "accumulate" 4'):
        lisp.eval(
            '(torch_manual_seed 1) (setq m (torch_model 3 4 2)) (setq o (torch_optimizer m 0.1 "sgd"))'
        )
        found = lisp.eval(
            f'(torch_train m o (list x y) "mse" (dictionary "shuffle" nil {options}))'
        )
        assert found["steps"] == 1
        weights.append([p.clone() for p in lisp.eval("m").parameters()])
    for a, b in zip(*weights, strict=True):
        torch.testing.assert_close(a, b)


def test_shuffling_follows_the_seed(lisp: LispE) -> None:
    def losses(options: str) -> list[float]:
        lisp.eval(
            '(torch_manual_seed 1) (setq m (torch_model 3 4 2)) (setq o (torch_optimizer m 0.1 "sgd"))'
        )
        return list(
            lisp.eval(
                f'(torch_train m o (list x y) "mse" (dictionary "batch_size" 4 "seed" 3 {options}))'
            )["loss"]
        )

    assert losses("") == losses("")
    assert losses("") != losses('"shuffle" nil')


def test_a_function_as_loss_and_several_inputs(lisp: LispE) -> None:
    found = lisp.eval("""
    (setq m (torch_transformer_block 4 2 8)) (setq o (torch_optimizer m 0.01))
    (setq xs (tensor_randn '(6 3 4))) (setq mask (tensor_ones '(6 3)))
    (torch_train m o (list xs mask xs) (lambda (p t) (tensor_mean (tensor_abs (tensor_sub p t)))))""")
    assert found["steps"] == 1 and found["loss"][0] > 0


def test_ready_made_batches_and_a_function_as_model(lisp: LispE) -> None:
    found = lisp.eval("""
    (setq e (torch_embedding 9 4)) (setq h (torch_linear 4 9)) (setq o (torch_optimizer (list e h) 0.05))
    (defun net (ids) (torch_forward h (torch_forward e ids)))
    (setq batches (list))
    (loop b (torch_batch_by_tokens (list (integers 1 2 3) (integers 4 5) (integers 6 7 8)) 6)
       (push batches (list (@ b 0) (@ b 0))))
    (torch_train 'net o batches "cross_entropy" (dictionary "epochs" 60))""")
    assert found["loss"][-1] < 0.5 < found["loss"][0]
    assert found["steps"] == 120


def test_validation_early_stop_and_modes(lisp: LispE) -> None:
    found = lisp.eval("""
    (setq m (torch_sequential (torch_linear 3 4) (torch_linear 4 2))) (setq o (torch_optimizer m 0.0 "sgd"))
    (torch_train m o (list x y) "mse" (dictionary "epochs" 50 "validation" (list x y) "patience" 3))""")
    assert found["ended"] == "early" and found["epochs"] == 4
    assert list(found["validation"]) == pytest.approx([found["best"]] * 4)
    assert lisp.eval("m").training


def test_schedule_by_step_and_by_epoch(lisp: LispE) -> None:
    for every, rate in (("step", 0.5**6), ("epoch", 0.5**2)):
        lisp.eval(f"""
        (setq m (torch_linear 3 2)) (setq o (torch_optimizer m 1e-6 "sgd"))
        (setq s (torch_lr_scheduler o "exponential" (dictionary "gamma" 0.5)))
        (torch_train m o (list x y) "mse" (dictionary "epochs" 2 "batch_size" 8 "scheduler" s
           "scheduler_every" "{every}" "clip_norm" 1.0))""")
        assert lisp.eval("o").param_groups[0]["lr"] == pytest.approx(1e-6 * rate)


def test_callback_may_stop(lisp: LispE) -> None:
    found = lisp.eval("""
    (setq seen (list))
    (setq m (torch_linear 3 2)) (setq o (torch_optimizer m 0.01))
    (torch_train m o (list x y) "mse" (dictionary "epochs" 9 "callback"
       (lambda (epoch h) (push seen (size (@ h "loss"))) (if (= epoch 3) "stop"))))""")
    assert found["epochs"] == 3 and found["ended"] == "early"
    assert lisp.show(lisp.eval("seen")) == "(1 2 3)"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_progress_on_standard_error(stream: type[io.StringIO]) -> None:
    lisp = LispE(stderr=stream())
    lisp.eval("""
    (setq x (torch_randn '(20 3))) (setq y (torch_randn '(20 2)))
    (setq m (torch_linear 3 2)) (setq o (torch_optimizer m 0.01))""")
    call = '(torch_train m o (list x y) "mse" (dictionary "batch_size" 5 "progress" {}))'
    lisp.eval(call.format("nil"))
    assert lisp.stderr.getvalue() == ""
    lisp.eval(call.format("true"))
    shown = lisp.stderr.getvalue()
    if stream is Terminal:
        assert "\repoch 1/1 [########################] 4/4 loss" in shown
        assert shown.endswith("\n")
    else:
        # A file keeps one line of an epoch: no bar drawn over itself.
        assert re.fullmatch(r"epoch 1/1 loss \d\.\d+\n", shown)


def test_mixed_precision_and_scaling(lisp: LispE) -> None:
    found = lisp.eval("""
    (setq m (torch_model 3 8 2)) (setq o (torch_optimizer m 0.01))
    (torch_train m o (list x y) "mse" (dictionary "epochs" 30 "autocast" true "scaler" (torch_grad_scaler 64)
       "clip_norm" 5.0))""")
    assert found["loss"][-1] < found["loss"][0]
    assert not torch.is_autocast_enabled("cpu")


NET = """
(torch_manual_seed 21) (random_seed 4)
(setq m (torch_sequential (torch_linear 3 8) (torch_module (dictionary "a" (torch_flash_attention_create 8 2 0.4))
   (lambda (me v) (torch_forward (@ me "a") (tensor_reshape v (list -1 1 8))))) (torch_linear 8 2)))
(setq o (torch_optimizer m 0.05 "adamw"))
(setq s (torch_lr_scheduler o "cosine" (dictionary "total_steps" 30)))
"""
LOSS = "(defun loss (p t) (torch_mse_loss (tensor_reshape p (list -1 2)) t))"
TRAIN = """(torch_train m o (list x y) 'loss (dictionary "epochs" 4 "batch_size" 3 "scheduler" s
   "validation" (list x y) "patience" 9 "accumulate" 2 "clip_norm" 1.0 {}))"""


@pytest.mark.parametrize("stop", [0, 1, 3, 4, 5, 8, 11, 16])
def test_a_resumed_run_is_the_same_run(tmp_path, stop: int) -> None:
    """Interrupted anywhere, also between epochs, it ends in the same bits."""
    whole = fresh(tmp_path)
    whole.eval(NET + LOSS)
    expected = whole.eval(TRAIN.format(""))
    assert expected["steps"] == 16

    first = fresh(tmp_path)
    first.eval(NET + LOSS)
    path = f'"checkpoint" (+ dir "{stop}.pt")'
    partial = first.eval(TRAIN.format(f'{path} "max_steps" {stop} "resume" true'))
    assert partial["steps"] == stop

    second = fresh(tmp_path)
    second.eval(NET + LOSS + "(torch_manual_seed 77) (tensor_randn '(5))")
    found = second.eval(TRAIN.format(f'{path} "resume" true'))
    assert found["steps"] == 16
    assert list(found["loss"]) == list(expected["loss"])
    assert list(found["validation"]) == list(expected["validation"])
    assert found["best"] == expected["best"]
    for a, b in zip(whole.eval("m").parameters(), second.eval("m").parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_checkpoint_every_so_many_steps(tmp_path) -> None:
    """A run that dies goes on from the last checkpoint, and ends as the undisturbed one."""
    whole, dying, again = fresh(tmp_path), fresh(tmp_path), fresh(tmp_path)
    whole.eval(NET + LOSS)
    expected = whole.eval(TRAIN.format(""))
    dying.eval(
        NET + '(setq calls 0) (defun loss (p t) (+= calls 1) (if (> calls 40) (throw "dead"))'
        " (torch_mse_loss (tensor_reshape p (list -1 2)) t))"
    )
    options = '"checkpoint" (+ dir "c.pt") "checkpoint_every" 3 "resume" true'
    with pytest.raises(LispError, match="dead"):
        dying.eval(TRAIN.format(options))
    again.eval(NET + LOSS)
    assert again.eval('(@ (torch_load_checkpoint (+ dir "c.pt")) "epoch")') == 2
    found = again.eval(TRAIN.format(options))
    assert list(found["loss"]) == list(expected["loss"])
    for a, b in zip(whole.eval("m").parameters(), again.eval("m").parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_finished_run_is_not_run_again(lisp: LispE) -> None:
    lisp.eval(NET + LOSS)
    options = '"checkpoint" (+ dir "c.pt") "resume" true'
    lisp.eval(TRAIN.format(options))
    weights = [p.clone() for p in lisp.eval("m").parameters()]
    found = lisp.eval(TRAIN.format(options))
    assert found["steps"] == 16
    assert all(torch.equal(a, b) for a, b in zip(lisp.eval("m").parameters(), weights, strict=True))


def test_checkpoints_of_the_loop_serve_scripts(lisp: LispE) -> None:
    lisp.eval(NET + LOSS)
    lisp.eval(TRAIN.format('"checkpoint" (+ dir "c.pt")'))
    assert lisp.eval('(@ (torch_load_checkpoint (+ dir "c.pt") m o s) "epoch")') == 4


@pytest.mark.parametrize(
    "call",
    [
        "(torch_train 5 o (list x y))",
        "(torch_train m 5 (list x y))",
        "(torch_train m o 5)",
        "(torch_train m o (list x))",
        "(torch_train m o (list))",
        "(torch_train m o (list x (tensor_ones '(3 2))))",
        "(torch_train m o (list (list x 5)))",
        '(torch_train m o (list x y) "hinge")',
        "(torch_train m o (list x y) 5)",
        "(torch_train m o (list x y) (lambda (p t) 5))",
        "(torch_train m o (list x y) (lambda (p t) p))",
        '(torch_train m o (list x y) "mse" (dictionary "epoch" 3))',
        '(torch_train m o (list x y) "mse" (dictionary "epochs" -1))',
        '(torch_train m o (list x y) "mse" (dictionary "batch_size" 0))',
        '(torch_train m o (list x y) "mse" (dictionary "batch_size" 30 "drop_last" true))',
        '(torch_train m o (list x y) "mse" (dictionary "scheduler" 5))',
        '(torch_train m o (list x y) "mse" (dictionary "scheduler_every" "day"))',
        '(torch_train m o (list x y) "mse" (dictionary "validation" 5))',
        '(torch_train m o (list x y) "mse" (dictionary "resume" true))',
        '(torch_train m o (list x y) "mse" (dictionary "resume" (+ dir "none.pt")))',
        '(torch_train m o (list x y) "mse" (dictionary "autocast" "float64"))',
        '(torch_train m o (list x y) "mse" (dictionary "checkpoint" (+ dir "no/such.pt")))',
        '(torch_train (lambda (v) v) o (list x y) "mse" (dictionary "checkpoint" (+ dir "c.pt")))',
        '(torch_train m o (list x y) "mse" 5)',
    ],
)
def test_mistakes_are_errors_of_the_language(lisp: LispE, call: str) -> None:
    lisp.eval("(setq m (torch_linear 3 2)) (setq o (torch_optimizer m 0.01))")
    with pytest.raises(LispError):
        lisp.eval(call)


def test_resuming_with_other_data_is_refused(lisp: LispE) -> None:
    lisp.eval(
        '(setq m (torch_linear 3 2)) (setq o (torch_optimizer m 0.01)) (setq c (+ dir "c.pt"))'
    )
    lisp.eval('(torch_train m o (list x y) "mse" (dictionary "checkpoint" c))')
    with pytest.raises(LispError, match="other data"):
        lisp.eval('(torch_train m o (list x y) "mse" (dictionary "resume" c "batch_size" 7))')
    lisp.eval("(torch_save_checkpoint m o 3 c)")
    with pytest.raises(LispError, match="not written by torch_train"):
        lisp.eval('(torch_train m o (list x y) "mse" (dictionary "resume" c))')
