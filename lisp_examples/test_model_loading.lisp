#!/usr/bin/env lispe
; Saving and loading models: what comes back is what was written.
;
; Each line that is printed was verified; the first thing that does not hold
; ends the program with an error.
;
;    lispe lisp_examples/test_model_loading.lisp [FOLDER]

(use 'lispe_torch)

(setq folder (if (> (size _args) 0) (@ _args 0) "."))
(defun in_folder (name) (+ folder "/" name))

(defun verify (what holds)
   (if holds (println "ok  " what) (throw (+ "this does not hold: " what))))

(defun same (a b) (= (tensor_item (tensor_max (tensor_abs (tensor_sub a b)))) 0))

(defun refused (action)
   (maybe (block (action) nil) (lambda (error) true)))

; ---------------------------------------------------------------- every kind of module

(setq vectors (tensor_randn (list 2 5 8)))
(setq ids (torch_tensor (list (list 1 2 3) (list 4 5 0))))

; A module, its file, the module that the file gives, and the same answer.
(defun round_trip (name module input)
   (setq path (in_folder (+ name ".pt")))
   (torch_save_model module path)
   (setq again (torch_load_model path))
   (verify (+ name " comes back from its file alone")
      (same (torch_forward module input) (torch_forward again input))))

(round_trip "linear layer" (torch_linear 8 3) vectors)
(round_trip "embedding" (torch_embedding 6 8) ids)
(round_trip "layer norm" (torch_layer_norm 8) vectors)
(round_trip "multi-head attention" (torch_multihead_attention 8 2) vectors)
(round_trip "transformer block" (torch_transformer_block 8 2 32) vectors)
(round_trip "positional encoding" (torch_positional_encoding 8 16) vectors)
(round_trip "flash attention" (torch_flash_attention_create 8 4) vectors)
(round_trip "perceptron" (torch_model 8 16 4) vectors)

; ---------------------------------------------------------------- into a module that is there

(setq source (torch_linear 8 3))
(setq target (torch_linear 8 3))
(setq path (in_folder "weights.pt"))
(verify "saving answers" (= (torch_save_model source path) "Model saved successfully"))
(verify "loading answers" (= (torch_load_model path target) "Model loaded successfully"))
(verify "the weights were copied"
   (same (torch_forward source vectors) (torch_forward target vectors)))
(verify "the module may come first" (= (torch_load_model target path) "Model loaded successfully"))

(setq weights (in_folder "weights.safetensors"))
(torch_save_model source weights)
(verify "safetensors files carry the same model"
   (same (torch_forward source vectors) (torch_forward (torch_load_model weights) vectors)))

; ---------------------------------------------------------------- state dictionaries

(setq state (torch_state_dict source))
(println "    " state)
(setq other (torch_linear 8 3))
(torch_load_state_dict other state)
(verify "a state dictionary makes a twin"
   (same (torch_forward source vectors) (torch_forward other vectors)))

(setq optimizer (torch_optimizer other 0.5 "sgd"))
(defun train_once ()
   (torch_optimizer_zero_grad optimizer)
   (torch_backward (tensor_mean (tensor_pow (torch_forward other vectors) 2)))
   (torch_optimizer_step optimizer))
(train_once)
(verify "training the twin leaves the dictionary"
   (and (not (same (torch_forward source vectors) (torch_forward other vectors)))
      (same (@ state "weight") (@ source "weight"))))

; ---------------------------------------------------------------- what is refused

(verify "another size is refused" (refused (lambda () (torch_load_model path (torch_linear 3 8)))))
(verify "another kind is refused"
   (refused (lambda () (torch_load_model path (torch_embedding 3 8)))))
(verify "a missing file is refused"
   (refused (lambda () (torch_load_model (in_folder "no such file.pt")))))
(fwrite (in_folder "words.pt") "these are words, not weights")
(verify "a file of words is refused"
   (refused (lambda () (torch_load_model (in_folder "words.pt")))))

; ---------------------------------------------------------------- checkpoints

; Five steps, a checkpoint, five more: the second half can be run again exactly.
(torch_manual_seed 7)
(setq model (torch_model 8 16 4))
(setq adam (torch_optimizer model 0.01 "adamw"))
(setq goal (tensor_randn (list 2 5 4)))

(defun step (net opt)
   (setq loss (torch_mse_loss (torch_forward net vectors) goal))
   (torch_optimizer_zero_grad opt)
   (torch_backward loss)
   (torch_optimizer_step opt)
   (tensor_item loss))

(loopcount 5 (step model adam))
(setq run (in_folder "run.pt"))
(torch_save_checkpoint model adam 5 run)
(setq losses (list))
(loopcount 5 (push losses (step model adam)))

(setq fresh (torch_model 8 16 4))
(setq fresh_adam (torch_optimizer fresh 0.01 "adamw"))
(setq checkpoint (torch_load_checkpoint run fresh fresh_adam))
(verify "the checkpoint knows its epoch" (= (@ checkpoint "epoch") 5))
(setq again (list))
(loopcount 5 (push again (step fresh fresh_adam)))
(verify "the resumed run repeats the losses to the last bit" (= losses again))

(println "all of it holds")
