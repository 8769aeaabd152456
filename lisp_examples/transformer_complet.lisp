#!/usr/bin/env lispe
; A whole transformer, from text to text: tokens, embedding, positions,
; attention, normalisation, feed-forward, training, file, and back.
;
; It is put together from parts, as a module of this script's own, and learns
; to say what comes next in five sentences.
;
;    lispe lisp_examples/transformer_complet.lisp [FOLDER]

(use 'lispe_torch)
(torch_manual_seed 42)

(setq folder (if (> (size _args) 0) (@ _args 0) "."))

(defun verify (what holds)
   (if holds (println "ok  " what) (throw (+ "this does not hold: " what))))

; ---------------------------------------------------------------- text to ids

(setq sentences (list
   "the boat leaves the harbour at dawn"
   "the fisherman mends his net by the fire"
   "a gull follows the boat"
   "the harbour sleeps under the snow"
   "his daughter counts the stars above the net"))

(setq tok (torch_simple_tokenizer))
(setq encoded (list))
(loop sentence sentences (push encoded (torch_encode tok sentence)))
(setq words (torch_vocab_size tok))
(println "    " tok)

(setq longest 0)
(loop row encoded (if (> (size row) longest) (setq longest (size row))))
(setq batch (torch_pad_sequences encoded longest))
(setq mask (torch_attention_mask batch))
(verify "one row a sentence" (= (torch_shape batch) (list (size sentences) longest)))

; ---------------------------------------------------------------- the model

(setq width 32)
(setq heads 4)

; What a position may look at: itself and what came before, padding left out.
(defun visible (mask)
   (setq n (@ (torch_shape mask) 1))
   (tensor_mul (tensor_unsqueeze mask 1) (tensor_tril (tensor_ones (list n n)))))

; One layer: attention and a feed-forward, each added to its input and normalised.
(defun layer ()
   (torch_module
      (dictionary
         "attention" (torch_multihead_attention width heads)
         "norm1" (torch_layer_norm width)
         "wide" (torch_linear width (* 2 width))
         "narrow" (torch_linear (* 2 width) width)
         "norm2" (torch_layer_norm width))
      (lambda (m x seen)
         (setq x (torch_forward (@ m "norm1")
            (tensor_add x (torch_multihead_attention_forward (@ m "attention") x seen))))
         (setq hidden (tensor_gelu (torch_forward (@ m "wide") x)))
         (torch_forward (@ m "norm2") (tensor_add x (torch_forward (@ m "narrow") hidden))))))

(defun transformer ()
   (torch_module
      (dictionary
         "embedding" (torch_embedding words width)
         "positions" (torch_positional_encoding width 64)
         "layer1" (layer)
         "layer2" (layer)
         "head" (torch_linear width words))
      (lambda (m ids mask)
         (setq seen (visible mask))
         (setq x (torch_forward (@ m "positions") (torch_forward (@ m "embedding") ids)))
         (setq x ((@ m "layer1") x seen))
         (setq x ((@ m "layer2") x seen))
         (torch_forward (@ m "head") x))))

(setq model (transformer))
(setq logits (model batch mask))
(verify "a score for every word at every position"
   (= (torch_shape logits) (list (size sentences) longest words)))
(println "    " (size (torch_model_parameters model)) "parameter tensors")

; ---------------------------------------------------------------- training

; The target of a position is the id that follows; padding (id 0) does not count.
(setq inputs (tensor_slice batch 1 0 (- longest 1)))
(setq targets (tensor_slice batch 1 1 longest))
(setq inputs_mask (tensor_slice mask 1 0 (- longest 1)))

(defun loss_of (prediction target) (torch_crossentropy_loss prediction target 0))

(setq optimizer (torch_optimizer model 0.01 "adamw"
   (dictionary "groups" (list (list "norm|bias" (dictionary "weight_decay" 0.0))))))
(setq schedule (torch_lr_scheduler optimizer "linear_warmup_cosine"
   (dictionary "total_steps" 60 "warmup_steps" 6)))

(setq history
   (torch_train model optimizer (list inputs inputs_mask targets) 'loss_of
      (dictionary "epochs" 60 "batch_size" 5 "scheduler" schedule "clip_norm" 1.0)))
(setq losses (@ history "loss"))
(println "     loss" (@ losses 0) "->" (@ losses -1))
(verify "it has learnt" (< (@ losses -1) (* 0.2 (@ losses 0))))

; ---------------------------------------------------------------- file and back

(setq path (+ folder "/transformer.pt"))
(torch_save_model model path)
(setq copy (transformer))
(torch_load_model path copy)
(verify "the file gives the same transformer" (= (model batch mask) (copy batch mask)))

; ---------------------------------------------------------------- ids to text

; The most likely next word, again and again, until the end mark (id 3).
(defun continue_text (start)
   (setq ids (torch_encode tok start))
   (setq ids (tensor_slice ids 0 0 (- (size ids) 1)))
   (setq going true)
   (torch_set_grad_enabled nil)
   (while (and going (< (size ids) longest))
      (setq row (tensor_unsqueeze ids 0))
      (setq scores (copy row (tensor_ones (torch_shape row))))
      (setq next (tensor_argmax (tensor_select (tensor_select scores 0 0) 0 -1)))
      (if (= next 3)
         (setq going nil)
         (setq ids (tensor_cat (list ids (tensor_reshape (torch_tensor next) (list 1)))))))
   (torch_set_grad_enabled true)
   (torch_decode tok ids))

(setq finished 0)
(loop start (list "the boat" "a gull" "his daughter" "the fisherman" "the harbour sleeps")
   (setq text (continue_text start))
   (println "    " text)
   (if (in sentences text) (+= finished 1)))
(verify "it finishes the sentences it has read" (= finished 5))

(println "all of it holds")
