#!/usr/bin/env lispe
; Direct preference optimisation (Rafailov et al. 2023) of a real language model.
;
; For every question there is an answer that is preferred, a short one, and one that is
; not. No model of rewards is needed: the loss asks that the model, beside what it was
; before, makes the preferred answers likelier and the others less so. What it was before
; is the same model with its adapters switched off.
;
;    lispe lisp_examples/dpo.lisp [STEPS] [MODEL]
;
; A minute or two on two cores.

(load (+ _current "models.lisp"))

(setq steps (integer (argument 0 "8")))
(setq path (model_path 1))
(setq beta 0.1)

; A question, the answer that is preferred, the one that is not.
(setq preferences (list
   (list "What is the capital of France?" "Paris."
      "That is a wonderful question! The capital of France is the beautiful city of Paris.")
   (list "How many legs has a spider?" "Eight."
      "Spiders are fascinating creatures, and I would be glad to tell you: they have eight legs.")
   (list "What colour is the sky?" "Blue."
      "Great question! On a clear day, the sky above us usually appears to be blue.")
   (list "What is two plus two?" "Four."
      "Let me think about that for you. When we add two and two together, we get four.")))

(torch_manual_seed 3)
(setq words (torch_hf_tokenizer path))
(torch_hf_load_model_lora "model" path (dictionary "dtype" "float32"))
(setq model (torch_hf_model "model"))
(torch_lora_apply model (dictionary "rank" 8 "alpha" 16 "target_modules" "all-linear"))
(setq optimizer (torch_optimizer model 0.0001 "adamw"))

(setq chosen (batch_of (maplist (\(p) (lesson words (@ p 0) (@ p 1))) preferences)))
(setq rejected (batch_of (maplist (\(p) (lesson words (@ p 0) (@ p 2))) preferences)))

; The log-probability of every answer of a batch: the sum over its ids.
(defun log_probabilities(batch)
   (setq shares (torch_log_softmax (torch_forward model (@ batch 0)) -1))
   (setq targets (@ batch 1))
   (setq counted (tensor_ge targets 0))
   (setq places (torch_unsqueeze (torch_clamp targets 0 1000000) -1))
   (setq each (torch_squeeze (torch_gather shares -1 places) -1))
   (torch_sum (tensor_mul each (torch_to_dtype counted "float32")) 1))

; The reference does not change: it is asked once.
(torch_lora_set_adapter model nil)
(defun without_gradients(batch) (torch_no_grad (lambda () (log_probabilities batch))))
(setq reference_chosen (without_gradients chosen))
(setq reference_rejected (without_gradients rejected))
(torch_lora_set_adapter model "default")

; How much more the model prefers the chosen answers than the reference does.
(defun margins(of_chosen of_rejected)
   (setq more (tensor_sub of_chosen reference_chosen))
   (setq less (tensor_sub of_rejected reference_rejected))
   (tensor_mul (tensor_sub more less) beta))

; -log sigmoid(margin), without overflow.
(defun dpo_loss(margins) (torch_mean (torch_softplus (tensor_neg margins))))

; A share of the plain loss keeps the chosen answers likely (Pang et al. 2024): what is
; asked for above would also be had by making both unlikely.
(setq share 0.2)

(setq question (@ (@ preferences 1) 0))
(setq before (answer_of model words question 30))
(setq losses (list))
(loopcount steps
   (setq of_chosen (log_probabilities chosen))
   (setq loss (dpo_loss (margins of_chosen (log_probabilities rejected))))
   (torch_optimizer_zero_grad optimizer)
   (torch_backward (tensor_sub loss (tensor_mul (torch_mean of_chosen) share)))
   (torch_clip_grad_norm optimizer 1.0)
   (torch_optimizer_step optimizer)
   (push losses (torch_item loss))
   (println "loss" (last@ losses)))

(setq reached (margins (without_gradients chosen) (without_gradients rejected)))
(println "margins:" reached)
(println ">" question)
(println "  before:" before)
(println "  after: " (answer_of model words question 30))
(verify "a model that is its reference has the loss log 2" (= (round (* 10000 (@ losses 0))) 6931))
(verify "the loss falls" (< (last@ losses) (@ losses 0)))
(verify "every chosen answer has become likelier beside the other"
   (> (torch_item (torch_min reached)) 0))
(println "all of it holds")
