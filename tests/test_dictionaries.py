"""Dictionaries of the seven kinds."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lispe_py import LispE, LispError
from lispe_py.values.dictionaries import DictionaryTree, DictionaryTreeI


def shown(program: str) -> str:
    lisp = LispE()
    return lisp.show(lisp.eval(program))


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("{}", "{}"),
        ('{"k":4 5:"v"}', '{"k":4 "5":"v"}'),
        ('{4:"k"}', '{4:"k"}'),
        ('{4.5:"k"}', '{4.5:"k"}'),
        ("{'sym:5}", '{"sym":5}'),
        ('(setq w "key") {w:(+ 4 5)}', '{"key":9}'),
        ('(dictionary 4 5)', '{"4":5}'),
        ('(dictionary "k" 4 "k" 5)', '{"k":5}'),
        ('(dictionaryi "4" "k" 5.9 "l")', '{4:"k" 5:"l"}'),
        ('(dictionaryn "1.5" 2)', "{1.5:2}"),
        ('(dictionarytree "n" 1 "m" 2 "o" 3)', '{"m":2 "n":1 "o":3}'),
        ('(dictionarytreei 30 "a" 4 "b" 100 "c")', '{4:"b" 30:"a" 100:"c"}'),
        ('(dictionarytreen 2.5 "a" 1.25 "b")', '{1.25:"b" 2.5:"a"}'),
        ("(json_dictionary '(\"z\" 1 \"a\" 2))", '{"z":1 "a":2}'),
        ('(list (type (key@)) (type (keyi@)) (type (keyn@)))',
         "(dictionary_ dictionary_i_ dictionary_n_)"),
        ('(list (type (dictionarytree)) (type (dictionarytreei)) (type (dictionarytreen)))',
         "(dictionarytree_ dictionarytree_i_ dictionarytree_n_)"),
        ('(type (json_dictionary))', "dictionaryjson_"),
        ('(key@ {"k":4} "k")', "4"),
        ('(key@ {"k":4} "l")', "nil"),
        ('(key@ 5 1)', '{"5":1}'),
        ('(key@ {1:2} 1)', "2"),
        ('(keyi@ (dictionaryi 4 44) 4)', "44"),
        ('(keyi@ 5 1)', "{5:1}"),
        ('(keyn@ (dictionaryn 1.5 7) 1.5)', "7"),
        ('(setq d (dictionarytree "k" 4)) (key@ d "j" 5 "l" 6) d', '{"j":5 "k":4 "l":6}'),
        ('(@ {"k":{"l":(list 7 8)}} "k" "l" 1)', "8"),
        ('(@ (dictionaryi 4 5) 4.7)', "5"),
        ('(setq d {"k":(list 7 8)}) (set@ d "k" 0 9) d', '{"k":(9 8)}'),
        ('(setq d {1:1}) (set@ d "2" 5) d', "{1:1 2:5}"),
        ('(setq d (dictionarytree "b" 2 "a" 1)) (pop d "a") d', '{"b":2}'),
        ('(pop {"k":4} "l")', "nil"),
        ('(list (keys@ (dictionarytree "n" 1 "m" 2)) (values@ (dictionarytree "n" 1 "m" 2)))',
         '(("m" "n") (2 1))'),
        ('(list (type (keys@ {"k":4})) (type (keys@ {4:5})) (type (keys@ {4.5:5})))',
         "(strings_ integers_ numbers_)"),
        ("(list (keys@ '(p q)) (keys@ \"lmn\") (keys@ 44) (values@ '(p q)))", "((0 1) (0 1 2) () ())"),
        ('(setq r (list)) (loop k (dictionarytree "n" 1 "m" 2) (push r k)) r', '("m" "n")'),
        ('(reverse (dictionarytree "a" "x" "b" "x" "c" "y"))', '{"x":("a" "b") "y":("c")}'),
        ('(reverse (dictionaryi 1 "7" 2 "7"))', "{7:(1 2)}"),
        ('(list (size {"a":1}) (emptyp {}) (size {}))', "(1 true 0)"),
        ('(string {"k":4})', '{"k":4}'),
        ('(flatten {"a":{"b":(list 2 3)}})', '("a" "b" 2 3)'),
        ("(setq a {\"k\":(list 1)}) (setq b (clone a)) (push (@ b \"k\") 2) (list a b)",
         '({"k":(1)} {"k":(1 2)})'),
        ('(list (in {"a":5} 5) (in {"a":5} "a") (find {"a":5} 5) (find {"a":5} 6))', '(true nil "a" nil)'),
        ('(list (count {"a":5 "b":5} 5) (findall (dictionarytreei 1 5 2 5 3 6) 5))', "(2 (1 2))"),
        ('(setq d {"a":5 "b":6}) (list (replaceall d 5 7) (@ d "a"))', "(1 7)"),
        ('(list (&&& {"a":1 "b":2} {"b":3 "c":4}) (^^^ {"a":1 "b":2} {"b":3 "c":4}))',
         '({"b":2} {"a":1 "c":4})'),
        ('(||| {"a":1} {"a":2 "c":4})', '{"a":1 "c":4}'),
    ],
)  # fmt: skip
def test_values(program: str, expected: str) -> None:
    assert shown(program) == expected


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ('(dictionary "k" 4 "l")', "wrong number of arguments for 'dictionary'"),
        ("(dictionary '(\"k\" 4))", "wrong arguments for 'dictionary'"),
        ('(json_dictionary \'("z" 1 "a"))', "expecting a list of an even number of values"),
        ('(json_dictionary 5)', "expecting a list of an even number of values"),
        ('(key@ {"k":4} "l" 5 "m")', "wrong number of arguments for 'key'"),
        ('(keyi@ {"k":4} "k")', "wrong dictionary type for 'keyi'"),
        ("(keyn@ {4:5} 4)", "wrong dictionary type for 'keyn'"),
        ('(@ {"k":4} "l")', "index out of bounds"),
        ("(@ (dictionaryi 4 5) 6)", "index out of bounds"),
        ('(@ (dictionaryi 4 5) "4")', "cannot use this element in an arithmetic expression: '4'"),
        ('(push {"k":4} "l")', "cannot push in this kind of elements"),
        ('(set@ {"a":1} "b" "c" 3)', "index out of bounds"),
        ('(&&& {"a":1} {1:1})', "'&&&' needs dictionaries of one kind"),
    ],
)
def test_errors(program: str, message: str) -> None:
    with pytest.raises(LispError) as caught:
        shown(program)
    assert caught.value.message == message


def test_a_loop_may_change_its_dictionary() -> None:
    assert shown('(setq d {"a":1 "b":2}) (loop k d (pop d k)) d') == "{}"


ACTIONS = st.sampled_from(("set", "pop", "del", "update", "default", "clear", "iter"))


@given(st.lists(st.tuples(ACTIONS, st.integers(0, 20)), max_size=60))
def test_a_tree_keeps_its_order(steps: list[tuple[str, int]]) -> None:
    tree, plain = DictionaryTreeI(), {}
    for action, key in steps:
        if action == "set":
            tree[key] = plain[key] = key * 2
        elif action == "pop":
            tree.pop(key, None)
            plain.pop(key, None)
        elif action == "del" and key in plain:
            del tree[key], plain[key]
        elif action in ("update", "clear"):
            for dictionary in (tree, plain):
                getattr(dictionary, action)(*[{key: 1, 21: 2}] * (action == "update"))
        elif action == "default":
            assert tree.setdefault(key, 3) == plain.setdefault(key, 3)
        else:
            assert list(tree) == sorted(plain)
    assert list(tree.items()) == sorted(plain.items())
    assert list(tree.values()) == [plain[k] for k in sorted(plain)]
    assert list(reversed(tree)) == sorted(plain, reverse=True)


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_copies_of_a_tree(copier: object) -> None:
    tree = DictionaryTree({"b": 1, "a": 2})
    assert list(tree) == ["a", "b"]
    twin = copier(tree)  # type: ignore[operator]
    assert type(twin) is DictionaryTree
    twin["0"] = 3
    assert list(twin.items()) == [("0", 3), ("a", 2), ("b", 1)]
    assert list(tree) == ["a", "b"]


def test_older_names_are_understood_and_stay_free() -> None:
    assert shown('(setq d {"a":1}) (list (key d "a") (keys d) (values d))') == '(1 ("a") (1))'
    assert shown("(setq key 5) (setq values '(1)) (setq last 3) (list key values last)") == "(5 (1) 3)"
    assert shown("(last '(1 2 3))") == "3"
    assert shown('(list (tree "b" 1 "a" 2) (type (treei)) (type (treen)))') == (
        '({"a":2 "b":1} dictionarytree_i_ dictionarytree_n_)'
    )
    assert shown("(setq tree '(1 (2))) (car tree)") == "1"
