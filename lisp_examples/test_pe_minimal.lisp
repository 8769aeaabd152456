#!/usr/bin/env lispe
; Where a token stands: sinusoidal encodings and rotary embeddings, verified
; against their formulas.
;
;    lispe lisp_examples/test_pe_minimal.lisp

(use 'lispe_torch)

(defun verify (what holds)
   (if holds (println "ok  " what) (throw (+ "this does not hold: " what))))

(defun near (a b) (< (fabs (- a b)) 0.00001))
(defun gap (a b) (tensor_item (tensor_max (tensor_abs (tensor_sub a b)))))

; ---------------------------------------------------------------- sinusoids

(setq width 6)
(setq encoder (torch_positional_encoding width 50))
(setq table (torch_positional_encoding_forward encoder (tensor_zeros (list 50 width))))
(println "    rows 0 and 1:" (tensor_select table 0 0) (tensor_select table 0 1))

; sin in even columns, cos in odd ones, slower from pair to pair.
(defun formula (position column)
   (setq pair (- column (% column 2)))
   (setq angle (/ (* 1.0 position) (** 10000.0 (/ (* 1.0 pair) width))))
   (if (= (% column 2) 0) (sin angle) (cos angle)))

(setq wrong 0)
(loopcount 50 p
   (loopcount width c
      (if (not (near (at table p c) (formula p c))) (+= wrong 1))))
(verify "all 300 entries follow the formula" (= wrong 0))

(setq batch (tensor_randn (list 2 4 width)))
(setq placed (torch_positional_encoding_forward encoder batch))
(verify "the shape stays" (= (torch_shape placed) (list 2 4 width)))
(verify "every sequence gets the same rows"
   (< (gap (tensor_select (tensor_sub placed batch) 0 0)
      (tensor_select (tensor_sub placed batch) 0 1)) 0.00001))
(verify "nothing of it is trained" (= (size (torch_model_parameters encoder)) 0))
(verify "a sequence that is too long is refused"
   (maybe (block (torch_positional_encoding_forward encoder (tensor_zeros (list 51 width))) nil)
      (lambda (error) true)))

; ---------------------------------------------------------------- rotations

(setq rotary (torch_rotary_embedding 8))
(setq tables (torch_rotary_forward rotary 12))
(setq cosines (@ tables 0))
(setq sines (@ tables 1))

(defun turned (vector position)
   (torch_apply_rotary_pos_emb vector
      (tensor_slice cosines 0 position (+ position 1))
      (tensor_slice sines 0 position (+ position 1))))
(defun dot (a b) (tensor_item (tensor_sum (tensor_mul a b))))

(setq query (tensor_randn (list 1 8)))
(setq key_vector (tensor_randn (list 1 8)))
(verify "position 0 turns nothing" (= (gap (turned query 0) query) 0))
(verify "a rotation keeps the length"
   (near (dot (turned query 7) (turned query 7)) (dot query query)))
(verify "only the distance of two positions counts"
   (near (dot (turned query 3) (turned key_vector 1))
      (dot (turned query 11) (turned key_vector 9))))

(println "all of it holds")
