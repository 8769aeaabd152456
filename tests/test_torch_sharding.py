"""Sharded training, and checkpoints that another number of processes can read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F

from lispe_py import LispE, LispError

torch.set_num_threads(1)
pytestmark = pytest.mark.skipif(
    not (dist.is_available() and dist.is_gloo_available() and hasattr(os, "fork")),
    reason="no groups of processes",
)

MODEL = """
(use 'lispe_torch)
(setq folder "FOLDER/")
(setq net (torch_sequential (torch_linear 4 6) (lambda (x) (torch_gelu x)) (torch_linear 6 1)))
(torch_load_model (+ folder "start.pt") net)
(setq keep (torch_linear 5 24 nil))
(torch_load_model (+ folder "data.pt") keep)
(setq rows (torch_no_grad (lambda () (torch_clone (@ keep "weight")))))
(defun inputs(r) (tensor_slice r 1 0 4))
(defun targets(r) (tensor_slice r 1 4 5))
(defun steps(m o r count)
   (loopcount count
      (setg loss (torch_mse_loss (torch_forward m (inputs r)) (targets r)))
      (torch_optimizer_zero_grad o)
      (torch_backward loss)
      (torch_clip_grad_norm o 0.5)
      (torch_optimizer_step o)))
"""

# Five steps in a group, a checkpoint after the third; then what each process holds. Two
# trainings by torch_train; scaled gradients, of which some overflow; texts of different lengths;
# a checkpoint of a module that is not sharded. At the end one process dies while the other begins to save.
SHARDED = """
(setg loss nil)
(torch_distributed_init (dictionary "init_method" (+ "file://" folder "meeting")))
(setq rank (torch_distributed_rank))
(setq m (torch_distributed_model net "sharded"))
(setq o (torch_optimizer m 0.05 "adamw"))
(setq mine (torch_distributed_shard rows))
(steps m o mine 3)
(torch_save_checkpoint m o 3 (+ folder "run/") (dictionary "note" "third"))
(steps m o mine 2)
(torch_save_model m (+ folder "end.pt"))
(setq own (torch_distributed_all_gather
   (torch_tensor (floats (torch_distributed_elements m)))))
(setq said (list (string m) (string own)))

(defun train(kind path)
   (torch_load_model (+ folder "start.pt") net)
   (setq m (torch_distributed_model net kind))
   (setq o (torch_optimizer m 0.05 "adamw"))
   (setq h (torch_train m o (list (inputs mine) (targets mine)) "mse"
      (dictionary "epochs" 2 "batch_size" 6 "shuffle" nil "clip_norm" 0.5 "progress" true
         "checkpoint" (+ folder path))))
   (push said (string (@ h "loss"))))
(train "sharded" "train/")
(defun fresh()
   (setg net (torch_sequential (torch_linear 4 6) (lambda (x) (torch_gelu x)) (torch_linear 6 1)))
   (torch_load_model (+ folder "start.pt") net))
(fresh)
(train "replicated" "train.pt")

(fresh)
(setq m (torch_distributed_model net "sharded"))
(setq o (torch_optimizer m 0.05 "adamw"))
(setq scaler (torch_grad_scaler 1024))
(defun scaled(factor)
   (setq loss (* factor (torch_mse_loss (torch_forward m (inputs mine)) (targets mine))))
   (torch_optimizer_zero_grad o)
   (torch_backward (torch_scale_loss scaler loss))
   (torch_scaler_unscale scaler o)
   (torch_clip_grad_norm o 0.5)
   (string (torch_scaler_step scaler o)))
; The second loss is too large in one of the processes.
(setq good (list (scaled 1.0) (scaled (if (= rank 0) 1e38 1.0)) (string scaler)))
(torch_save_model m (+ folder "scaled.pt"))

DECODER
(setq m (torch_distributed_model decoder "sharded"))
(setq g (torch_generator_create m))
(torch_generator_config g (dictionary "max_length" (+ 2 (* 3 rank))))
(setq texts (list (torch_generate g ids) (torch_generator_beam_search g (if (= rank 0) ids two))))
(fwrite (+ folder "own" (string rank) ".txt") (join (list (join good ";") (string texts)) "|"))

(fresh)
(setq o (torch_optimizer net 0.05 "adamw"))
(steps net o rows 3)
(torch_save_checkpoint net o 3 (+ folder "plain/") (dictionary "note" "third"))

(if (= rank 0) (fwrite (+ folder "said.txt") (join said "|")))
(torch_distributed_barrier)
(if (= rank 1) (throw "it dies") (torch_save_checkpoint m o 9 (+ folder "run/")))
"""

DECODER = """
(torch_manual_seed 5)
(setq decoder (torch_decoder (dictionary "vocab_size" 16 "hidden_size" 8 "intermediate_size" 12
   "num_hidden_layers" 2 "num_attention_heads" 2 "initializer_range" 0.5)))
(setq ids (torch_tensor '((1 2 3))))
(setq two (torch_tensor '((4) (5))))
"""
# Another number of processes goes on from the third step.
RESUMED = """
(setg loss nil)
(torch_distributed_init (dictionary "init_method" (+ "file://" folder "meeting")))
(setq m (torch_distributed_model net "sharded"))
(setq o (torch_optimizer m 0.5 "adamw"))
(setq found (torch_load_checkpoint (+ folder "run/") m o))
(if (not (= (@ found "epoch") 3)) (throw "another epoch"))
(steps m o (torch_distributed_shard rows) 2)
(torch_save_model m (+ folder "resumed.pt"))
(setq o (torch_optimizer m 0.5 "adamw"))
(torch_load_checkpoint (+ folder "plain/") m o)
(steps m o (torch_distributed_shard rows) 2)
(torch_save_model m (+ folder "resumed2.pt"))
(torch_distributed_end)
"""


def start(folder: Path) -> LispE:
    """An interpreter whose model and data are those of the jobs in a folder."""
    torch.manual_seed(4)
    lisp = LispE()
    lisp.define("folder", f"{folder}/")
    lisp.eval("""
    (use 'lispe_torch)
    (torch_save_model (torch_sequential (torch_linear 4 6) (torch_linear 6 1)) (+ folder "plain.pt"))
    (torch_save_model (torch_linear 5 24 nil) (+ folder "data.pt"))""")
    plain = torch.load(folder / "plain.pt", weights_only=True)
    state = {n.replace("1.", "2."): v for n, v in plain["state"].items()}
    torch.save(state, folder / "start.pt")
    lisp.eval(MODEL.replace("FOLDER", str(folder)))
    return lisp


#: Processes that share what they import, as loading torch takes most of their time. When one
#: fails, the others are ended, as torch_distributed_launch does.
GROUP = """
import os, signal, sys
import torch._dynamo, torch.distributed.fsdp
from torch.distributed.checkpoint import hf_storage
from lispe_py import LispE
torch.set_num_threads(1)
LispE().eval("(use 'lispe_torch)")
text, count, started = open(sys.argv[1]).read(), int(sys.argv[2]), {}
for rank in range(count):
    pid = os.fork()
    if not pid:
        code = 1
        try:
            os.environ.update(RANK=str(rank), WORLD_SIZE=str(count))
            LispE().eval(text)
            code = 0
        finally:
            os._exit(code)
    started[pid] = rank
codes = [None] * count
while started:
    pid, status = os.wait()
    codes[started.pop(pid)] = os.waitstatus_to_exitcode(status)
    if status:
        for other in started:
            os.kill(other, signal.SIGTERM)
print(codes)
"""


def run_group(folder: Path, job: str, processes: int) -> tuple[str, str]:
    """The exit codes of the processes, and what they wrote to standard error."""
    (folder / "meeting").unlink(missing_ok=True)
    (folder / "job.lisp").write_text(MODEL.replace("FOLDER", str(folder)) + job)
    command = [sys.executable, "-c", GROUP, str(folder / "job.lisp"), str(processes)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done.stdout.strip(), done.stderr


def weights(path: Path) -> dict[str, torch.Tensor]:
    found = torch.load(path, weights_only=True)["state"]
    assert all(type(v) is torch.Tensor for v in found.values())
    return dict(found)


def reference(
    lisp: LispE, batches: list[torch.Tensor]
) -> tuple[dict[str, torch.Tensor], list[float]]:
    """The weights and losses of one process that learns from the batches, by torch alone."""
    state = {n: v.detach().clone() for n, v in lisp.globals["net"].state_dict().items()}
    leaves = {n: v.requires_grad_() for n, v in state.items()}
    optimiser = torch.optim.AdamW(leaves.values(), 0.05)
    losses = []
    for rows in batches:
        hidden = F.gelu(F.linear(rows[:, :4], leaves["0.weight"], leaves["0.bias"]))
        loss = F.mse_loss(F.linear(hidden, leaves["2.weight"], leaves["2.bias"]), rows[:, 4:])
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(leaves.values(), 0.5)
        optimiser.step()
        losses.append(loss.item())
    return {n: v.detach() for n, v in leaves.items()}, losses


def close(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    assert found.keys() == wanted.keys()
    for name, value in found.items():
        torch.testing.assert_close(value.detach(), wanted[name], rtol=0, atol=1e-6)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes have left."""
    folder = tmp_path_factory.mktemp("two")
    start(folder)
    codes, errors = run_group(folder, SHARDED.replace("DECODER", DECODER), 2)
    # The second has died; the first, which was about to save, was ended or missed it.
    assert codes in ("[-15, 1]", "[1, 1]"), errors
    (folder / "errors.txt").write_text(errors)
    return folder


def test_two_processes_with_half_the_weights_learn_as_one_does(trained: Path) -> None:
    lisp = start(trained)
    wanted, _ = reference(lisp, [lisp.globals["rows"]] * 5)
    close(weights(trained / "end.pt"), wanted)
    said = (trained / "said.txt").read_text().split("|")
    assert said[0] == "PyTorch Distributed Module (processes=2, sharded)"
    # 37 elements: of 6, 6 and 1 first axes the first process holds 3, 3 and 1.
    assert said[1] == "((22) (15))"


def test_three_processes_go_on_from_two_and_a_killed_save_left_the_old(trained: Path) -> None:
    lisp = start(trained)
    codes, errors = run_group(trained, RESUMED, 3)
    assert codes == "[0, 0, 0]", errors
    wanted, _ = reference(lisp, [lisp.globals["rows"]] * 5)
    close(weights(trained / "resumed.pt"), wanted)
    close(weights(trained / "resumed2.pt"), wanted)


@pytest.mark.parametrize("run", ["run/", "plain/"])
@pytest.mark.parametrize("kind", ["alone", "replicated", "sharded"])
def test_one_process_goes_on_from_two(trained: Path, kind: str, run: str) -> None:
    lisp = start(trained)
    lisp.define("run", f"{trained}/{run}")
    wanted, _ = reference(lisp, [lisp.globals["rows"]] * 5)
    lisp.eval("(setg loss nil)")
    if kind == "alone":
        lisp.eval("(setq m net)")
    else:
        lisp.eval(f'(torch_distributed_init) (setq m (torch_distributed_model net "{kind}"))')
    try:
        lisp.eval("""
        (setq o (torch_optimizer m 0.5 "adamw"))
        (setq found (torch_load_checkpoint run m o))
        (steps m o rows 2)
        (setq state (torch_state_dict m))""")
        assert lisp.eval('(list (@ found "epoch") (@ (@ found "extra") "note"))') == [3, "third"]
        close(lisp.globals["state"].tensors, wanted)
    finally:
        lisp.eval("(torch_distributed_end)")


def test_a_step_is_left_out_by_all_if_it_overflows_in_one(trained: Path) -> None:
    lisp = start(trained)
    wanted, _ = reference(lisp, [lisp.globals["rows"]])
    close(weights(trained / "scaled.pt"), wanted)
    for rank in (0, 1):
        said = (trained / f"own{rank}.txt").read_text().split("|")[0]
        assert said == "true;nil;Gradient Scaler (scale=512)"


def test_a_process_that_has_ended_its_text_helps_the_other(trained: Path) -> None:
    lisp = LispE()
    lisp.eval(f"(use 'lispe_torch) {DECODER} (setq g (torch_generator_create decoder))")
    for rank, prompt in ((0, "ids"), (1, "two")):
        lisp.eval(f'(torch_generator_config g (dictionary "max_length" {2 + 3 * rank}))')
        texts = f"(string (list (torch_generate g ids) (torch_generator_beam_search g {prompt})))"
        assert (trained / f"own{rank}.txt").read_text().split("|")[1] == lisp.eval(texts)


def test_the_training_loop_in_two_processes(trained: Path) -> None:
    lisp = start(trained)
    rows = lisp.globals["rows"]
    halves = [rows[:12], rows[12:]]
    wanted, losses = reference(lisp, halves * 2)
    means = [(losses[0] + losses[1]) / 2, (losses[2] + losses[3]) / 2]
    for said in (trained / "said.txt").read_text().split("|")[2:]:
        assert [float(v) for v in said.strip("()").split()] == pytest.approx(means, abs=1e-5)
    close(dict(torch.load(trained / "train.pt", weights_only=True)["model"]), wanted)
    close(lisp.eval('(torch_load_checkpoint (+ folder "train/"))').tensors, wanted)
    # One process prints.
    lines = (trained / "errors.txt").read_text().splitlines()
    assert sum(line.startswith("epoch 1/2 loss") for line in lines) == 2


@pytest.mark.parametrize("path", ["train/", "train.pt"])
def test_one_process_ends_the_training_of_two(trained: Path, tmp_path: Path, path: str) -> None:
    lisp = start(trained)
    rows = lisp.globals["rows"]
    wanted, _ = reference(lisp, [rows[:12], rows[12:]] * 3)
    lisp.define("path", str(trained / path) + "/" * path.endswith("/"))
    history = lisp.eval("""
    (setq o (torch_optimizer net 0.05 "adamw"))
    (torch_train net o (list (inputs rows) (targets rows)) "mse"
       (dictionary "epochs" 3 "batch_size" 12 "shuffle" nil "clip_norm" 0.5 "resume" path))""")
    assert len(history["loss"]) == 3
    close(lisp.globals["net"].state_dict(), wanted)


def test_a_transformer_with_adapters_is_sharded_layer_by_layer(
    recwarn: pytest.WarningsRecorder,
) -> None:
    lisp = LispE()
    lisp.eval("""
    (use 'lispe_torch)
    (torch_distributed_init)
    (setq ids (torch_tensor '((1 2 3 4) (5 6 7 8))))
    (setg loss nil)
    (defun made()
       (torch_manual_seed 7)
       (torch_lora_apply
          (torch_model_create "transformer"
             (dictionary "vocab_size" 11 "embed_dim" 8 "num_heads" 2 "num_layers" 2))
          (dictionary "rank" 2 "target_modules" "all-linear")))
    (defun learned(m)
       (setq o (torch_optimizer m 0.01 "adamw"))
       (loopcount 3
          (setg loss (torch_cross_entropy
             (tensor_reshape (torch_forward m ids) '(-1 11)) (tensor_reshape ids '(-1))))
          (torch_optimizer_zero_grad o)
          (torch_backward loss)
          (torch_optimizer_step o))
       (torch_state_dict m))""")
    try:
        plain = lisp.eval("(learned (made))").tensors
        sharded = lisp.eval(
            '(setq m (torch_distributed_model (made) "sharded")) (learned m)'
        ).tensors
        close(sharded, plain)
        blocks = lisp.globals["m"].wrapped.layers
        assert all(type(block).__name__ == "FSDPTransformerBlock" for block in blocks)
    finally:
        lisp.eval("(torch_distributed_end)")
    assert not [w for w in recwarn if "view" in str(w.message)]


# ------------------------------------------------------------------ folders, one process


def alone(folder: Path) -> LispE:
    lisp = LispE()
    lisp.define("path", f"{folder}/run/")
    lisp.eval("""
    (use 'lispe_torch)
    (setq net (torch_sequential (torch_linear 2 3) (torch_linear 3 1)))
    (setq o (torch_optimizer net 0.1 "adamw"))
    (defun learn()
       (torch_optimizer_zero_grad o)
       (torch_backward (torch_sum (torch_forward net (tensor_ones '(4 2)))))
       (torch_optimizer_step o))
    (learn)
    (torch_save_checkpoint net o 1 path)""")
    return lisp


def test_a_new_checkpoint_takes_the_place_of_the_old(tmp_path: Path) -> None:
    lisp = alone(tmp_path)
    (tmp_path / "run" / "tensors-").with_name("tensors-" + "0" * 32).mkdir()
    before = set(os.listdir(tmp_path / "run"))
    lisp.eval("(learn) (torch_save_checkpoint net o 2 path)")
    after = set(os.listdir(tmp_path / "run"))
    assert len(after) == 2 and before & after == {"run.pt"}
    kept = {n: v.clone() for n, v in lisp.globals["net"].state_dict().items()}
    lisp.eval("(learn)")
    assert lisp.eval('(@ (torch_load_checkpoint path net o) "epoch")') == 2
    for name, value in lisp.globals["net"].state_dict().items():
        assert torch.equal(value, kept[name])


KILLED = """
import os, shutil, sys
from lispe_py import LispE
lisp = LispE()
lisp.define("path", sys.argv[1])
lisp.eval("(use 'lispe_torch) (setq net (torch_sequential (torch_linear 2 3) (torch_linear 3 1)))")
lisp.eval("(setq o (torch_optimizer net 0.1))")
for module, name in ((os, "fsync"), (os, "replace"), (shutil, "rmtree")):
    pid = os.fork()
    if not pid:
        setattr(module, name, lambda *rest, **more: os._exit(9))
        lisp.eval("(torch_save_checkpoint net o 7 path)")
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(code, lisp.eval('(@ (torch_load_checkpoint path net) "epoch")'))
"""


def test_a_writer_killed_at_any_moment(tmp_path: Path) -> None:
    lisp = alone(tmp_path)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "run") + "/"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    # The outline takes its name before the old tensors are removed.
    assert done.stdout.split("\n")[:3] == ["9 1", "9 1", "9 7"], done.stderr
    lisp.eval("(torch_save_checkpoint net o 8 path)")
    assert len(os.listdir(tmp_path / "run")) == 2
    assert lisp.eval('(@ (torch_load_checkpoint path net o) "epoch")') == 8


def test_a_folder_of_which_something_is_missing(tmp_path: Path) -> None:
    lisp = alone(tmp_path)
    before = {n: v.clone() for n, v in lisp.globals["net"].state_dict().items()}
    lisp.eval("(learn)")
    (tensors,) = (tmp_path / "run").glob("tensors-*")
    (file,) = tensors.iterdir()
    content = file.read_bytes()
    file.write_bytes(content[:-4])
    with pytest.raises(LispError, match="missing or damaged"):
        lisp.eval("(torch_load_checkpoint path net o)")
    file.write_bytes(b"\xff" * len(content))
    with pytest.raises(LispError, match="it is damaged"):
        lisp.eval("(torch_load_checkpoint path net o)")
    assert not torch.equal(lisp.globals["net"].state_dict()["0.bias"], before["0.bias"])
    file.write_bytes(content)
    (tensors / "more.safetensors").write_bytes(content)
    with pytest.raises(LispError, match="holds other files"):
        lisp.eval("(torch_load_checkpoint path net o)")
    (tensors / "more.safetensors").unlink()
    with pytest.raises(LispError, match="holds a 'module'"):
        lisp.eval("(torch_load_checkpoint path (torch_linear 2 3))")
    shutil.rmtree(tensors)
    with pytest.raises(LispError, match="missing or damaged"):
        lisp.eval("(torch_load_checkpoint path net)")
    (tmp_path / "run" / "run.pt").unlink()
    with pytest.raises(LispError, match="file not found"):
        lisp.eval("(torch_load_checkpoint path net)")


def test_errors(tmp_path: Path) -> None:
    lisp = LispE()
    lisp.define("folder", f"{tmp_path}/")
    lisp.eval("(use 'lispe_torch) (setq o (torch_optimizer (torch_linear 1 1) 0.1))")
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(LispError, match="other files in it: letter.txt"):
        lisp.eval("(torch_save_checkpoint (torch_linear 1 1) nil 1 folder)")
    assert os.listdir(tmp_path) == ["letter.txt"]
    with pytest.raises(LispError, match="part of no group"):
        lisp.eval('(torch_distributed_model (torch_linear 2 1) "sharded")')
    lisp.eval("(torch_distributed_init)")
    try:
        with pytest.raises(LispError, match='"replicated" or "sharded", not \'halved\''):
            lisp.eval('(torch_distributed_model (torch_linear 2 1) "halved")')
        lisp.eval('(setq lin (torch_linear 2 1)) (setq m (torch_distributed_model lin "sharded"))')
        with pytest.raises(LispError, match="sharded already"):
            lisp.eval("(torch_distributed_model lin)")
        with pytest.raises(LispError, match="kept in a folder"):
            lisp.eval('(torch_save_checkpoint m nil 1 (+ folder "m.pt"))')
        with pytest.raises(LispError, match="kept in a folder"):
            lisp.eval("""(torch_train m (torch_optimizer m 0.1)
               (list (tensor_ones '(4 2)) (tensor_ones '(4 1))) "mse"
               (dictionary "checkpoint" (+ folder "m.pt")))""")
    finally:
        lisp.eval("(torch_distributed_end)")
