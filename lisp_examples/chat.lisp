#!/usr/bin/env lispe
; A chat with a real language model, whose answers appear as they are made.
;
; With a question it answers that one and ends; without, it goes on until an empty line.
;
;    lispe lisp_examples/chat.lisp ["QUESTION"] [MODEL]
;
; MODEL is a Hugging Face folder or a GGUF file; see models.lisp for the one it takes
; otherwise. `make demo-llm` installs that one and asks it a question.

(load (+ _current "models.lisp"))

(setq path (model_path 1))
(setq handle (torch_hf_load_model path (dictionary "dtype" "float32")))
(setq words (torch_hf_tokenizer path))
(setq generator (torch_generator_create handle))
(torch_generator_config generator (dictionary
   "max_length" 200 "strategy" "sample" "temperature" 0.4 "top_k" 0 "top_p" 0.9
   "repetition_penalty" 1.1 "seed" 1))

; The whole conversation is sent each time: the model remembers nothing.
(setq conversation (list))
(setq shown "")

; Write a piece of the answer, and keep it to compare with the whole in the end.
(defun show_piece(piece)
   (print piece)
   (setg shown (+ shown piece)))

(defun reply(question)
   (push conversation (list "user" question))
   (setg shown "")
   (setq start (chrono))
   (setq prompt (torch_chat_prompt words conversation))
   (setq answer (torch_generate_text generator words prompt
      (dictionary "stop" (list "<|im_end|>")) 'show_piece))
   (println)
   (setq seconds (/ (- (chrono) start) 1000.0))
   (push conversation (list "assistant" answer))
   (verify "what was streamed is the answer" (= shown answer))
   (setq made (size (torch_encode words answer nil)))
   (println "    " made "tokens," (/ (round (* 10 (/ made seconds))) 10.0) "in a second"))

(println (torch_hf_model_summary handle))
(println)
(setq given (argument 0 nil))
(if (nullp given)
   (block
      (print "> ")
      (setq question (input))
      (while (and question (!= "" (trim question)))
         (reply question)
         (print "> ")
         (setq question (input))))
   (block
      (println ">" given)
      (reply given)))
