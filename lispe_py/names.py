"""Spellings. The reader replaces an alias by the name it stands for.

So quoted and printed code shows one spelling, and every later stage has one
name to know (``../docs`` lists them for users).
"""

from __future__ import annotations

#: alias -> canonical name
ALIASES: dict[str, str] = {
    "lambda": "λ", "\\": "λ", "not": "¬",
    "@": "at", "nth": "at", "@@": "extract", "@@@": "atshape",
    "set@@": "setrange", "set@@@": "setshape",
    "**": "^^", "**=": "^^=",
    "rho": "ρ", "⍴": "ρ", "iota": "⍳", "iota0": "⍳0",
    "sum": "∑", "product": "∏", "tally": "≢", "transpose": "⍉", "rotate": "⌽",
    "invert": "⌹", "member": "∈",
    "reduce": "↗", "//": "↗", "scan": "↘", "\\\\": "↘",
    "backreduce": "⌿", "-//": "⌿", "backscan": "⍀", "-\\\\": "⍀",
    "to_list": "⊂", "to_tensor": "⊃", "cutlist": "slice",
    "containerkeys": "keys@", "containervalues": "values@", "⍤": "rank@",
    "•": "infix", "§": "infix", "/\\": "infix",
    "into": "?", "outer": "°", "inner": ".",
}  # fmt: skip

#: Spellings of the constants.
CONSTANTS: dict[str, bool | None] = {"nil": None, "false": None, "_": None, "true": True}

#: What a body of ``defprol`` says of the others and of itself: an atom and nil.
CUT, FAIL = "cut_", "fail_"

#: The functions of the language's own libraries (mathematics, texts, files ...), as the
#: reference has them: what is given beyond their parameters is neither looked at nor evaluated.
LIBRARY_FUNCTIONS: frozenset[str] = frozenset(
    """
    acos acosh alphap asin asinh atan atanh atob bernoulli_distribution binomial_distribution
    btoa cauchy_distribution cbrt chi_squared_distribution chr chrbyte chrono command
    consonantp convert_in_base cos cosh cosine date date_format day deaccentuate degree digitp
    discrete_distribution editdistance emojip endwith erf erfc exit exp exp2 expm1
    exponential_distribution extreme_value_distribution fabs file file_close file_eof
    file_getchar file_getstruct file_read file_readline file_readlist file_seek file_tell
    file_write file_writeln fileinfo fill fisher_distribution floor format gamma_distribution
    gcd geometric_distribution get_tokenizer_operators get_tokenizer_rules getenv getstruct
    hour iabs indent isdirectory json json_dictionary json_parse json_read json_write left
    lgamma log log10 log1p log2 logb lognormal_distribution lower lowerp ls memory_size middle
    minute month negative_binomial_distribution ngrams normal_distribution ord os_version
    padding piecewise_constant_distribution piecewise_linear_distribution poisson_distribution
    prgx prgx_find prgx_find_i prgx_findall prgx_findall_i prgx_match prgx_replace prgx_split
    punctuationp radian random random_choice random_seed realpath replace rgx rgx_find
    rgx_find_i rgx_findall rgx_findall_i rgx_match rgx_replace rgx_split right rint round
    second segment segment_e segmenter set_tokenizer_operators set_tokenizer_rules setdate
    setenv shuffle sin sinh split splite sqrt startwith student_distribution tan tanh tgamma
    tokenize tokenizer tokenizer_display tokenizer_main trim trim0 trimleft trimright trunc
    uniform_distribution upper upperp uuid vowelp weekday weibull_distribution year yearday
    """.split()
)

#: Names that are understood in call position and stay free for the program: the
#: functions of the language's libraries, older spellings, and what the language did not have.
NOT_RESERVED: frozenset[str] = LIBRARY_FUNCTIONS.union(
    """
    apropos dict explode file_exists floatp functionp getchar help input input@ integerp irank
    key keyi keyn keys last listp log_debug log_error log_info log_level log_warning macroexpand
    matrix mkdir python rank symbolp show_python source time time_since tree treei
    treen values
    """.split()
)


def also_written(name: str) -> str | None:
    """A hint for messages about a name that its author wrote in another way; None for others.

    >>> also_written("∑")
    "'∑' is also written: sum"
    """
    spellings = [alias for alias, canonical in ALIASES.items() if canonical == name]
    return f"'{name}' is also written: {' '.join(spellings)}" if spellings else None
