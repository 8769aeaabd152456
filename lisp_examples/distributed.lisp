#!/usr/bin/env lispe
; One training in several processes, each with its part of the data.
;
;    torchrun --nproc-per-node 2 -m lispe_py lisp_examples/distributed.lisp [EPOCHS [FOLDER/]]
;
; Without torchrun it is a group of one, and computes the same. The data are points of a
; spiral with two arms, the model tells the arms apart. In every step the gradients are
; averaged over the processes, so that all have the same weights all the time.
;
; Then the same once more, sharded: each process holds a part of every weight, of its
; gradient and of the optimiser's moments. With a folder the training goes on where an
; earlier one stopped, of however many processes that was, and is kept there at the end.

(use 'lispe_torch)

(setq epochs (integer (if (> (size _args) 0) (@ _args 0) "300")))
(setq folder (if (> (size _args) 1) (@ _args 1) nil))
(torch_distributed_init)
(setq rank (torch_distributed_rank))
(setq processes (torch_distributed_world_size))

; Process 0 prints.
(defun say(text) (if (= rank 0) (println text)))

; ---------------------------------------------------------------- data

; All processes make the same points, from the same seed, and keep their part.
(torch_manual_seed 11)
(setq points 256)
(setq arm (torch_tensor (floats (maplist (\(i) (% i 2)) (iota0 points)))))
(setq radius (tensor_add (tensor_mul (torch_rand (list points)) 0.9) 0.1))
(setq angle (tensor_add (tensor_mul radius 7) (tensor_mul arm _pi)))
(setq x (torch_stack (list
   (tensor_mul radius (tensor_cos angle)) (tensor_mul radius (tensor_sin angle))) 1))
(setq y (torch_to_dtype arm "int64"))

; Every world_size-th row, in pairs of arms.
(setq order (torch_distributed_shard (iota0 (integer (/ points 2)))))
(setq evens (tensor_mul (torch_tensor (integers order)) 2))
(setq mine (torch_cat (list evens (tensor_add evens 1)) 0))
(setq my_x (torch_index_select x 0 mine))
(setq my_y (torch_index_select y 0 mine))

; ---------------------------------------------------------------- training

; Another start in each process: the group begins with the weights of process 0.
(torch_manual_seed (+ 100 rank))
(setq model (torch_distributed_model (torch_model 2 32 2)))
(setq optimizer (torch_optimizer model 0.01 "adamw"))

; The losses of the whole group, one for each epoch.
(defun learn(model optimizer)
   (setq losses (list))
   (loopcount epochs
      (setq loss (torch_cross_entropy (torch_forward model my_x) my_y))
      (torch_optimizer_zero_grad optimizer)
      (torch_backward loss)
      (torch_optimizer_step optimizer)
      (push losses (torch_item (torch_distributed_all_reduce loss "mean"))))
   losses)

(setq losses (learn model optimizer))

; ---------------------------------------------------------------- afterwards

(setq weights (torch_no_grad (lambda ()
   (torch_cat (maplist (\(p) (tensor_reshape p '(-1))) (torch_model_parameters model)) 0))))
(setq all (torch_distributed_all_gather weights))
(setq right (torch_no_grad (lambda ()
   (torch_item (torch_mean (torch_to_dtype
      (tensor_eq (tensor_reshape (torch_argmax (torch_forward model x) 1) '(-1)) y) "float32"))))))

(say (+ "processes: " (string processes) ", rows of each: " (string (size order)) " pairs"))
(say (+ "loss: " (string (@ losses 0)) " -> " (string (last@ losses))))
(say (+ "told apart: " (string (round (* 100 right))) " of 100"))

(defun verify(what holds)
   (if holds (say (+ "ok  " what)) (throw (+ "it does not hold: " what))))
(verify "the weights are the same in every process"
   (zerop (size (filterlist (\(other)
      (> (torch_item (torch_max (tensor_abs (tensor_sub other weights)))) 0)) all))))
(verify "the loss falls to less than half" (< (last@ losses) (* 0.5 (@ losses 0))))

; ---------------------------------------------------------------- sharded

; The same start. The optimiser is made last: it keeps moments of the parts alone.
(torch_manual_seed (+ 100 rank))
(setq whole (torch_model 2 32 2))
(setq elements (torch_distributed_elements whole))
(setq sharded (torch_distributed_model whole "sharded"))
(setq optimizer (torch_optimizer sharded 0.01 "adamw"))

(setq before 0)
(if (and folder (file_exists (+ folder "run.pt")))
   (setq before (@ (torch_load_checkpoint folder sharded optimizer) "epoch")))
(setq again (learn sharded optimizer))
(setq held (maplist (\(t) (integer (torch_item t)))
   (torch_distributed_all_gather (torch_tensor (floats (torch_distributed_elements sharded))))))

(say (+ "elements in each process: " (string held) " of " (string elements)))
(say (+ "epochs before: " (string before) ", loss: " (string (@ again 0)) " -> "
   (string (last@ again))))
(verify "the processes share the weights out" (= elements (sum held)))
(verify "the losses are those of before"
   (or (> before 0) (< (fabs (- (last@ again) (last@ losses))) 0.001)))
; Every process writes its part.
(if folder (torch_save_checkpoint sharded optimizer (+ before epochs) folder))
(say "all of it holds")
(torch_distributed_end)
