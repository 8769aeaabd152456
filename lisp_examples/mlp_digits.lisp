#!/usr/bin/env lispe
; A multi-layer perceptron that reads handwritten digits: 1797 images of 8 by 8
; points that 43 people have written, as scikit-learn ships them (Alpaydin and
; Kaynak 1998, "Optical Recognition of Handwritten Digits").
;
; A part is trained on, a part tells when to stop, and the rest, which nothing
; has been chosen by, says how well it reads. Needs scikit-learn:
;
;    pip install scikit-learn
;    lispe lisp_examples/mlp_digits.lisp [FOLDER]

(use 'lispe_torch)
(random_seed 3)

(setq folder (if (> (size _args) 0) (@ _args 0) "."))

(defun verify (what holds)
   (if holds (println "ok  " what) (throw (+ "this does not hold: " what))))

; ---------------------------------------------------------------- the images

(setq package (catch (py_import "sklearn.datasets")))
(if (maybe package)
   (throw "this example reads its images from scikit-learn: pip install scikit-learn"))

(setq digits (py_call package "load_digits"))
(setq images (torch_tensor (@ digits "data") "float32"))
(setq labels (torch_tensor (@ digits "target")))
(setq total (@ (torch_shape images) 0))
(verify "1797 images of 64 points" (= (torch_shape images) '(1797 64)))
(verify "points from 0 to 16" (and (= (tensor_min images) 0) (= (tensor_max images) 16)))
(verify "ten kinds of digits" (= (sort '< (unique (tensor_to_list labels))) (iota0 10)))

; An image as text: the darker a point, the heavier its sign.
(defun draw (image)
   (setq signs " .:+#")
   (loopcount 8 row
      (setq line "")
      (loopcount 8 column
         (+= line (@ signs (integer (/ (at image (+ column (* 8 row))) 4)))))
      (println "    " line)))
(draw (tensor_select images 0 0))
(println "     is a" (at labels 0))

; ---------------------------------------------------------------- three parts

(setq order (@ (torch_sort (torch_rand total)) 1))
(defun part (from to)
   (setq rows (tensor_slice order 0 from to))
   (list (tensor_div (tensor_index_select images 0 rows) 16.0) (tensor_index_select labels 0 rows)))
(setq training (part 0 1200))
(setq validation (part 1200 1500))
(setq test (part 1500 total))

; ---------------------------------------------------------------- training

(setq model (torch_model 64 64 10))
(setq optimizer (torch_optimizer model 0.003 "adamw"))

; How many of the images of a part the model reads as what they are.
(defun accuracy (data)
   (setq read (tensor_argmax (torch_forward model (@ data 0)) 1 nil))
   (/ (tensor_sum (tensor_eq read (@ data 1))) (* 1.0 (size (@ data 1)))))

(setq before (accuracy test))
(setq history (torch_train model optimizer training "cross_entropy"
   (dictionary "epochs" 60 "batch_size" 32 "validation" validation "patience" 8)))
(setq losses (@ history "loss"))
(println "     epochs" (@ history "epochs") "loss" (@ losses 0) "->" (@ losses -1))
(verify "it knew nothing before" (< before 0.25))
(verify "the loss has fallen to a tenth" (< (@ losses -1) (* 0.1 (@ losses 0))))

(setq reached (accuracy test))
(println "     accuracy on images it has never seen:" reached)
(verify "it reads more than nine of ten" (> reached 0.9))

; ---------------------------------------------------------------- file and back

(setq path (+ folder "/digits.pt"))
(torch_save_model model path)
(setq wanted (torch_forward model (@ test 0)))
(setq model (torch_load_model path))
(verify "the file gives the same readings" (= wanted (torch_forward model (@ test 0))))

(println "all of it holds")
