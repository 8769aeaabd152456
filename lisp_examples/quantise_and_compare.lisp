#!/usr/bin/env lispe
; A real language model with its weights in 8 and in 4 bits, beside the original:
; memory, speed, how well it predicts a text, and what it writes.
;
;    lispe lisp_examples/quantise_and_compare.lisp [MODEL]

(load (+ _current "models.lisp"))

(setq path (model_path 0))
(setq question "Why is the sky blue?")
(setq here (if (isdirectory "lisp_examples") "." ".."))
(setq text (string (fread (+ here "/README.md"))))

(setq words (torch_hf_tokenizer path))
(setq original (torch_hf_model (torch_hf_load_model path (dictionary "dtype" "float32"))))

; The beginning of the text, as windows of ids.
(setq ids (torch_encode words text nil))
(setq width 128)
(setq rows (min 6 (integer (/ (size ids) width))))
(setq windows (tensor_reshape (tensor_slice ids 0 0 (* rows width)) (list rows width)))

; What the model is surprised by: e to the mean loss.
(defun perplexity(model)
   (setq logits (torch_no_grad (lambda () (torch_forward model windows))))
   (setq last (- width 1))
   (exp (torch_item (torch_cross_entropy
      (tensor_slice logits 1 0 last) (tensor_slice windows 1 1 width)))))

(defun megabytes(bytes) (/ (round (/ bytes 100000.0)) 10.0))

; Bytes and perplexity; ids a second and the answer are printed only.
(defun measured(name model)
   (setq answer (answer_of model words question 1))
   (setq start (chrono))
   (setq answer (answer_of model words question 40))
   (setq made (size (torch_encode words answer nil)))
   (setq speed (/ (* 1000.0 made) (- (chrono) start)))
   (setq found (list (torch_model_memory_usage model) (perplexity model)))
   (println (+ name ":") (megabytes (@ found 0)) "MB, perplexity" (@ found 1) "," (round speed)
      "ids a second")
   (println "   " answer)
   found)

(println ">" question)
(setq full (measured "float32" original))
(setq eight (measured "int8" (torch_model_quantize_dynamic original "int8")))
(setq four (measured "int4" (torch_model_quantize_dynamic original "int4")))

(verify "8 bits need less memory" (< (@ eight 0) (@ full 0)))
(verify "4 bits need still less" (< (@ four 0) (@ eight 0)))
(verify "8 bits predict the text nearly as well" (< (@ eight 1) (* 1.05 (@ full 1))))
(verify "4 bits predict it a little worse" (< (@ four 1) (* 1.3 (@ full 1))))
(println "all of it holds")
