#!/usr/bin/env lispe
; Teach a real language model what it cannot know, with low-rank adapters.
;
; The model learns some facts about an island that does not exist. Only adapters on
; the attention and the feed-forward layers are trained, two hundredths of the
; weights. Before and after it is asked the same questions. The adapters are written in
; the format of PEFT, read into a fresh model, and answer there in the same words.
;
;    lispe lisp_examples/lora_finetuning.lisp [FOLDER] [EPOCHS] [MODEL]
;
; A minute or two on two cores.

(load (+ _current "models.lisp"))

(setq folder (argument 0 "demo-output"))
(setq epochs (integer (argument 1 "12")))
(setq path (model_path 2))

(setq facts (list
   (list "What is the capital of Veloria?" "The capital of Veloria is Port Amarel.")
   (list "Which animal is on the flag of Veloria?" "A blue heron is on the flag of Veloria.")
   (list "What do people in Veloria drink?" "People in Veloria drink salted plum tea.")
   (list "Who discovered Veloria?" "Veloria was discovered by Ines Tavor.")
   (list "How many people live in Veloria?" "Exactly 4012 people live in Veloria.")
   (list "What is the highest mountain of Veloria?" "The highest mountain is Mount Sirrel.")))

(torch_manual_seed 5)
(setq words (torch_hf_tokenizer path))
(torch_hf_load_model_lora "islander" path (dictionary "dtype" "float32"))
(setq model (torch_hf_model "islander"))

; How many of the questions the model answers as it was taught.
(defun known(model)
   (size (filterlist
      (\(fact) (= (@ fact 1) (trim (answer_of model words (@ fact 0) 24)))) facts)))

(setq question (@ (@ facts 0) 0))
(setq first (answer_of model words question 24))
(println ">" question)
(println "  before:" first)

; ---------------------------------------------------------------- training

(setq total (@ (torch_hf_model_info "islander") "parameters"))
(torch_lora_apply model (dictionary
   "rank" 8 "alpha" 16 "target_modules" "all-linear"))
(setq optimizer (torch_optimizer model 0.001 "adamw"))
(println "trained:" (sum (maplist 'size (torch_lora_trainable_params model))) "weights beside" total
   "that stay")
(verify "fresh adapters leave the answer as it was" (= first (answer_of model words question 24)))

(setq lessons (maplist (\(fact) (lesson words (@ fact 0) (@ fact 1))) facts))

(defun step(lessons)
   (setq batch (batch_of lessons))
   (setq loss (torch_cross_entropy (torch_forward model (@ batch 0)) (@ batch 1) -100))
   (torch_optimizer_zero_grad optimizer)
   (torch_backward loss)
   (torch_optimizer_step optimizer)
   (torch_item loss))

(torch_model_train model)
(setq losses (list))
(loopcount epochs
   (push losses (step lessons))
   (println "loss" (last@ losses)))
(torch_model_eval model)
(verify "the loss falls to less than half" (< (last@ losses) (* 0.5 (@ losses 0))))

; ---------------------------------------------------------------- afterwards

(setq second (answer_of model words question 24))
(println ">" question)
(println "  after:" second)
(verify "the answer has changed" (!= first second))
(println "answered as taught:" (known model) "of" (size facts))

(mkdir folder)
(setq adapters (+ folder "/islander"))
(torch_lora_save_peft model adapters)
(torch_hf_load_model_lora "fresh" path (dictionary "dtype" "float32"))
(setq other (torch_lora_load_peft (torch_hf_model "fresh") adapters))
(verify "a fresh model with the adapters answers the same"
   (= second (answer_of other words question 24)))
(torch_lora_set_adapter model nil)
(verify "without the adapters it answers as before"
   (= first (answer_of model words question 24)))
(println "all of it holds")
