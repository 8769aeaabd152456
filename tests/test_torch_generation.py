"""Generation, against probabilities and searches that are computed here."""

from __future__ import annotations

import io
import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from lispe_py import LispE, LispError
from lispe_py.primitives import sampling

torch.set_num_threads(1)


@pytest.fixture
def lisp() -> LispE:
    made = LispE(stdout=io.StringIO())
    made.eval("(use 'lispe_torch)")
    torch.manual_seed(3)
    return made


def show(lisp: LispE, text: str) -> str:
    return lisp.show(lisp.eval(text))


def chain(lisp: LispE, table: Tensor, name: str = "g") -> None:
    """A generator whose next id depends on the last one by a table of logits."""
    lisp.globals["table"] = table
    lisp.eval("(defun rows (ids) (tensor_index_select table 0 (tensor_select ids 1 -1)))")
    lisp.eval(f"(setq {name} (torch_generator_create rows))")


# ------------------------------------------------------------------ filters


def kept(logits: list[float], **settings: Any) -> set[int]:
    """The ids that 400 draws reach."""
    rows = torch.tensor([logits]).repeat(400, 1)
    return set(sampling.draw(rows, **settings).tolist())


def test_filters_keep_what_their_definitions_say() -> None:
    logits = [math.log(p) for p in (0.5, 0.3, 0.15, 0.05)]
    assert kept(logits) == {0, 1, 2, 3}
    assert kept(logits, top_k=2) == {0, 1}
    assert kept(logits, top_k=9) == {0, 1, 2, 3}
    assert kept(logits, top_p=0.7) == {0, 1}
    assert kept(logits, top_p=0.4) == {0}
    assert kept(logits, top_p=0.81) == {0, 1, 2}
    assert kept(logits, min_p=0.25) == {0, 1, 2}
    assert kept(logits, min_p=0.61) == {0}
    # top-k first: of 0.5 and 0.3 the first has 0.625 of the rest
    assert kept(logits, top_k=2, top_p=0.6) == {0}
    # the temperature comes before top-p
    assert kept(logits, temperature=0.25, top_p=0.85) == {0}
    assert kept(logits[::-1], top_p=0.7) == {2, 3}


def test_draws_have_the_probabilities_of_the_softmax() -> None:
    logits = torch.tensor([[1.0, 0.0, -1.0]])
    want = torch.softmax(logits / 2, -1)[0]
    found = sampling.draw(logits.repeat(40000, 1), temperature=2.0)
    share = torch.bincount(found, minlength=3) / 40000
    assert float((share - want).abs().max()) < 0.02


def test_repetition_penalty() -> None:
    logits = torch.tensor([[2.0, -2.0, 1.0, -1.0]])
    found = sampling.penalised(logits, torch.tensor([[0, 1, 0, 99, -5]]), 2.0)
    assert found.tolist() == [[1.0, -4.0, 1.0, -1.0]]


def test_no_group_of_ids_comes_twice() -> None:
    logits = torch.zeros(1, 4)
    found = sampling.without_repeats(logits, torch.tensor([[0, 1, 2, 0, 1]]), 3)
    assert found.tolist() == [[0.0, 0.0, float("-inf"), 0.0]]
    found = sampling.without_repeats(logits, torch.tensor([[3, 1]]), 1)
    assert found.tolist() == [[0.0, float("-inf"), 0.0, float("-inf")]]
    assert sampling.without_repeats(logits, torch.tensor([[3]]), 3) is logits


# ------------------------------------------------------------------ beams


def exhaustive(table: Tensor, start: int, length: int, end: int) -> list[int]:
    """The best continuation of all there are."""
    shares = torch.log_softmax(table.double(), -1)
    count = table.shape[0]
    best: tuple[float, list[int]] = (-math.inf, [])
    for size in range(1, length + 1):
        for ids in itertools.product(range(count), repeat=size):
            if end in ids[:-1] or (size < length and ids[-1] != end):
                continue
            path = (start, *ids)
            total = sum(float(shares[a, b]) for a, b in itertools.pairwise(path))
            if total / size > best[0]:
                best = (total / size, [i for i in ids if i != end])
    return best[1]


@pytest.mark.parametrize("seed", range(6))
def test_wide_beams_find_the_best_of_all(lisp: LispE, seed: int) -> None:
    table = torch.randn(4, 4, generator=torch.Generator().manual_seed(seed)) * 2
    chain(lisp, table)
    lisp.eval('(torch_generator_config g (dictionary "eos_token_id" 3 "max_length" 4))')
    found = lisp.eval("(torch_generator_beam_search g (integers 0) 4 64)").tolist()
    assert found[1:] == exhaustive(table, 0, 4, 3)


def test_beams_of_a_batch_are_those_of_its_rows(lisp: LispE) -> None:
    chain(lisp, torch.randn(6, 6))
    lisp.eval('(torch_generator_config g (dictionary "max_length" 5 "num_beams" 3))')
    both = lisp.eval('(torch_generate g (torch_tensor \'((0) (4))) "beam_search")').tolist()
    for row, start in zip(both, (0, 4), strict=True):
        assert lisp.eval(f"(torch_generate g (integers {start}))").tolist() == row


# ------------------------------------------------------------------ generators


def test_greedy_follows_the_table_and_stops(lisp: LispE) -> None:
    table = torch.zeros(5, 5)
    for last, following in ((0, 1), (1, 2), (2, 3), (3, 4), (4, 0)):
        table[last, following] = 9.0
    chain(lisp, table)
    lisp.eval('(torch_generator_config g (dictionary "max_length" 6 "pad_token_id" 0))')
    assert show(lisp, "(torch_generate g (integers 0))") == "(0 1 2 3 4 0 1)"
    lisp.eval('(torch_generator_config g (list (list "eos_token_id" (integers 3 7))))')
    assert show(lisp, "(torch_generate g (torch_tensor '((0) (2))))") == "((0 1 2) (2 0 0))"
    lisp.eval('(torch_generator_config g (dictionary "eos_token_id" 99 "stop" (list (list 3 4))))')
    assert show(lisp, "(torch_generate g (integers 0))") == "(0 1 2)"
    # prompts of different lengths, one by one
    assert show(lisp, "(torch_generate g (list (list 0 1) (list 2)))") == "((0 1 2) (2 0 0))"


def test_ties_give_the_lowest_id(lisp: LispE) -> None:
    chain(lisp, torch.zeros(4, 4))
    assert show(lisp, "(torch_generator_greedy g (integers 2) 3)") == "(2 0 0 0)"


def test_a_seed_repeats_the_draws(lisp: LispE) -> None:
    chain(lisp, torch.zeros(50, 50))
    lisp.eval(
        '(torch_generator_config g (dictionary "max_length" 20 "seed" 5 "strategy" "sample"))'
    )
    first = lisp.eval("(torch_generate g (integers 0))").tolist()
    assert lisp.eval("(torch_generate g (integers 0))").tolist() == first
    lisp.eval('(torch_generator_config g (dictionary "seed" 6))')
    assert lisp.eval("(torch_generate g (integers 0))").tolist() != first
    lisp.eval('(torch_generator_config g (dictionary "seed" nil))')
    torch.manual_seed(1)
    third = lisp.eval("(torch_generate g (integers 0))").tolist()
    torch.manual_seed(1)
    assert lisp.eval("(torch_generate g (integers 0))").tolist() == third


def test_no_repeated_groups(lisp: LispE) -> None:
    chain(lisp, torch.tensor([[0.0, 5, 1], [5, 0, 1], [1, 2, 0]]))
    lisp.eval('(torch_generator_config g (dictionary "max_length" 12 "no_repeat_ngram_size" 2))')
    ids = lisp.eval("(torch_generate g (integers 0))").tolist()
    pairs = list(itertools.pairwise(ids[:8]))
    assert len(set(pairs)) == len(pairs)


def test_a_callback_sees_each_id_and_can_stop(lisp: LispE) -> None:
    chain(lisp, torch.eye(4).roll(1, 1) * 9)
    lisp.eval('(torch_generator_config g (dictionary "max_length" 6))')
    lisp.eval("(setq seen (list)) (defun see (id) (push seen id) (if (= id 3) 'stop))")
    assert show(lisp, "(torch_generate g (integers 0) nil see)") == "(0 1 2 3)"
    assert show(lisp, "seen") == "(1 2 3)"
    lisp.eval("(setq seen (list)) (defun see2 (ids) (push seen ids) nil)")
    lisp.eval("(torch_generate g (torch_tensor '((0) (2))) nil 'see2)")
    assert show(lisp, "(@ seen 0)") == "(1 3)"


def test_modules_as_models(lisp: LispE) -> None:
    program = """
    (setq m (torch_model_create "transformer" (dictionary "vocab_size" 7 "embed_dim" 8
       "num_heads" 2 "num_layers" 1 "ffn_dim" 16 "max_length" 6)))
    (setq g (torch_generator_create m)) (torch_model_train m)
    (torch_generator_config g (dictionary "max_length" 9))
    (torch_generate g (integers 1 2))
    """
    found = lisp.eval(program).tolist()
    model = lisp.globals["m"]
    assert model.training
    model.eval()
    ids = [1, 2]
    for _ in range(9):
        # Beyond the longest sequence of the model its latest ids count.
        ids.append(int(model(torch.tensor([ids[-6:]]))[0, -1].argmax()))
    assert found == ids
    # a perceptron as a model of pairs
    lisp.eval("(setq p (torch_model 5 8 5)) (setq h (torch_generator_create p))")
    found = lisp.eval("(torch_generator_greedy h (integers 3) 4)").tolist()
    last = 3
    for index in found[1:]:
        last = int(lisp.globals["p"](torch.eye(5)[last]).argmax())
        assert index == last


def test_a_function_that_answers_for_one_row(lisp: LispE) -> None:
    lisp.eval("(defun one (ids) (tensor_mul_scalar (tensor_select table 0 (@ ids -1)) 1.0))")
    lisp.globals["table"] = torch.eye(4).roll(1, 1) * 9
    lisp.eval("(setq g (torch_generator_create 'one))")
    assert (
        show(lisp, "(torch_generator_greedy g (torch_tensor '((0) (2))) 2)") == "((0 1 2) (2 3 0))"
    )


# ------------------------------------------------------------------ text


WORDS = '(setq t (torch_simple_tokenizer (list "a" "b" "c" ".")))'


def text_model(lisp: LispE) -> None:
    """a b c . a b c ..., after the ids 4 to 7 of the tokenizer."""
    table = torch.zeros(8, 8)
    for last, following in ((2, 4), (4, 5), (5, 6), (6, 7), (7, 4)):
        table[last, following] = 9.0
    chain(lisp, table)
    lisp.eval(WORDS)


def test_text_goes_on_from_the_prompt(lisp: LispE) -> None:
    text_model(lisp)
    generate = '(torch_generate_text g t "a b" (dictionary "max_length" 4))'
    assert lisp.eval(generate) == " c. a b"
    assert lisp.eval('(torch_generate_text g t "" (dictionary "max_length" 2))') == "a b"
    with_stop = '(torch_generate_text g t "a" (dictionary "max_length" 9 "stop" (list "c. a")))'
    assert lisp.eval(with_stop) == " b "
    by_ids = '(torch_generate_text g t "a" (dictionary "max_length" 9 "stop" (list (list 7 4))))'
    assert lisp.eval(by_ids) == " b c"
    beams = '(torch_generate_text g t "a" (dictionary "max_length" 2 "strategy" "beam_search"))'
    assert lisp.eval(beams) == " b c"
    assert lisp.globals["g"].settings.max_length == 100


@pytest.mark.parametrize("stop", ['"c. a"', '"c. b"', "(list 7 4)", "(list 7 5)"])
def test_pieces_joined_are_the_text(lisp: LispE, stop: str) -> None:
    text_model(lisp)
    lisp.eval("(setq parts (list)) (defun hear (p) (push parts p) nil)")
    config = f'(dictionary "max_length" 6 "stop" (list {stop}))'
    whole = lisp.eval(f'(torch_generate_text g t "a" {config} hear)')
    assert "".join(lisp.eval("parts")) == whole
    assert len(lisp.eval("parts")) > 1


def test_a_callback_stops_the_text(lisp: LispE) -> None:
    text_model(lisp)
    said = lisp.eval("""(torch_generate_text g t "a" nil (lambda (p) (if (= p ".") 'stop)))""")
    assert said == " b c."


# ------------------------------------------------------------------ tensors and errors


def test_topk_and_sort(lisp: LispE) -> None:
    lisp.globals["x"] = torch.tensor([[3.0, 1, 2], [1, 5, 4]])
    assert show(lisp, "(torch_topk x 2 1 nil)") == "(((1 2) (1 4)) ((1 2) (0 2)))"
    assert show(lisp, "(tensor_topk x 1 0)") == "(((3 5 4)) ((0 1 1)))"
    assert show(lisp, "(@ (tensor_sort x 0 true) 0)") == "((3 5 4) (1 1 2))"
    assert show(lisp, "(@ (torch_sort (torch_tensor (integers 1 1 1)) true) 1)") == "(0 1 2)"


def test_multinomial_has_the_given_weights(lisp: LispE) -> None:
    drawn = lisp.eval("(torch_multinomial (torch_tensor (floats 1 3 0)) 8000 true)")
    share = torch.bincount(drawn, minlength=3) / 8000
    assert abs(float(share[0]) - 0.25) < 0.03 and int(share[2]) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(torch_generate 5 (integers 1))", "must be a text generator"),
        ('(torch_generate g (integers 1) "best_of")', "unknown strategy: 'best_of'"),
        ("(torch_generate g (integers))", "the prompt is empty"),
        ("(torch_generate g (floats 1.5))", "must be integers"),
        ("(torch_generate g (tensor_zeros '(1 2 3)))", "must be integers"),
        ('(torch_generator_config g (dictionary "top_q" 1))', "unknown option 'top_q'"),
        ('(torch_generator_config g (dictionary "temperature" 0))', "must be positive"),
        ('(torch_generator_config g (dictionary "top_p" 1.5))', "above 0 and at most 1"),
        ('(torch_generator_config g (dictionary "top_k" -1))', "must not be negative"),
        ("(torch_set_generation_params g 3 -1)", "must be positive"),
        ("(torch_generator_create (torch_layer_norm 4))", "maps no ids to logits"),
        ("(torch_generator_create (torch_linear 4 4))", "maps no ids to logits"),
        ("(torch_generator_create (torch_model 4 8 3))", "maps no ids to logits"),
        ("(torch_generator_create (torch_embedding 5 4))", "must be equal"),
        ("(torch_generator_create 5)", "a generator needs a model"),
        ('(torch_generator_create g "warp")', "unknown device"),
        (
            "(torch_generator_greedy (torch_generator_create (lambda (x) 5)) (integers 1) 2)",
            "logits",
        ),
        ("(torch_topk (tensor_ones '(3)) 5)", "k is 5"),
        ("(torch_topk (tensor_ones '(3)) 1 4)", "dim 4 is outside"),
        ("(torch_multinomial (torch_tensor (floats -1 1)) 1)", "at least 0"),
        ("(torch_multinomial (torch_tensor (floats 0 0)) 1)", "all weights are 0"),
        ("(torch_multinomial (torch_tensor (floats 0 1)) 2)", "2 draws without replacement from 1"),
    ],
)
def test_errors(lisp: LispE, text: str, message: str) -> None:
    lisp.eval("(setq g (torch_generator_create (torch_embedding 5 5)))")
    with pytest.raises(LispError, match=message):
        lisp.eval(text)


@pytest.mark.parametrize("strategy", ["greedy", "sample", "beam_search"])
def test_logits_that_are_not_numbers(lisp: LispE, strategy: str) -> None:
    lisp.eval("(defun broken (ids) (tensor_log (torch_tensor '((1.0 -1.0 2.0)))))")
    with pytest.raises(LispError, match="logits that are not numbers"):
        lisp.eval(f'(torch_generate (torch_generator_create broken) (integers 0) "{strategy}")')


def test_a_bad_setting_leaves_all_as_they_were(lisp: LispE) -> None:
    lisp.eval("(setq g (torch_generator_create (torch_embedding 5 5)))")
    with pytest.raises(LispError):
        lisp.eval('(torch_generator_config g (dictionary "max_length" 7 "top_p" 9))')
    assert lisp.globals["g"].settings.max_length == 100
