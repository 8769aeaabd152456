#!/usr/bin/env lispe
; A language model from nothing, in one file.
;
; It reads the documentation of this project and its LispE programs, trains a
; SentencePiece tokenizer on that text and a small causal transformer on the
; ids, and writes a sample of its own. Run it again and it goes on from its
; checkpoint instead of starting anew.
;
;    lispe lisp_examples/language_model.lisp [FOLDER] [EPOCHS]

(use 'lispe_torch)

; ---------------------------------------------------------------- settings

(setq folder "demo-output")
(setq epochs 5)
(if (> (size _args) 0) (setq folder (@ _args 0)))
(if (> (size _args) 1) (setq epochs (integer (@ _args 1))))

(setq vocabulary 1000)   ; pieces of the tokenizer
(setq context 64)        ; ids the model looks back at
(setq seed 7)

(defun in_folder(name) (+ folder "/" name))

; ---------------------------------------------------------------- the text

; What `help` says of every primitive whose name or summary has the word.
(defun help_texts(word)
   (join (maplist 'help (apropos word)) "\n\n"))

; The text of every file of a folder whose name ends like this.
(defun texts_of(place ending)
   (setq texts (list))
   (loop path (sort '< (ls place))
      (if (and (not (isdirectory path)) (endwith path ending))
         (push texts (string (fread path)))))
   (join texts "\n\n"))

(setq here (if (isdirectory "lisp_examples") "." ".."))

; The text is kept with the results: a later run goes on with the same one.
(defun the_corpus()
   (if (fileinfo (in_folder "corpus.txt"))
      (return (string (fread (in_folder "corpus.txt")))))
   (join (list
      (texts_of (+ here "/docs") ".md")
      (string (fread (+ here "/README.md")))
      (texts_of (+ here "/lisp_examples") ".lisp")
      (help_texts "torch")
      (help_texts "list")) "\n\n"))

; ---------------------------------------------------------------- tokenizer

(defun the_tokenizer(text)
   (setq path (in_folder "corpus.txt"))
   (fwrite path text)
   (if (not (fileinfo (in_folder "pieces.model")))
      (torch_train_sentencepiece path (in_folder "pieces") vocabulary "bpe"))
   (torch_sentencepiece_tokenizer (in_folder "pieces.model")))

; Entropy of single ids, in nats: what a model reaches that knows no context.
(defun unigram_entropy(ids)
   (setq counts (integers (replicate (torch_vocab_size tokenizer) 0)))
   (loop id ids (+= (@ counts id) 1))
   (setq p (/ (numbers (filterlist '(< 0) counts)) (size ids)))
   (- 0.0 (sum (* p (log p)))))

; Number of weights of a model.
(defun weights(model) (sum (maplist 'size (torch_model_parameters model))))

; ---------------------------------------------------------------- data

; Windows of the text: inputs are the ids, targets the ids one further on.
(defun windows(ids)
   (setq n (integer (/ (- (size ids) 1) context)))
   (setq last (* n context))
   (setq inputs (tensor_reshape (tensor_slice ids 0 0 last) (list n context)))
   (setq targets (tensor_reshape (tensor_slice ids 0 1 (+ last 1)) (list n context)))
   (list inputs targets))

; ---------------------------------------------------------------- sampling

; The next id: the most likely forty are drawn from, as often as the model says.
(defun next_id(model ids temperature)
   (setq logits (torch_forward model (tensor_reshape ids (list 1 (size ids)))))
   (setq row (tensor_div (tensor_select (tensor_select logits 0 0) 0 -1) temperature))
   (setq best (torch_topk row 40))
   (setq p (torch_softmax (@ best 0) 0))
   (@ (@ best 1) (@ (torch_multinomial p 1) 0)))

(defun sample(model tokenizer prompt length)
   (setq ids (torch_encode tokenizer prompt))
   (loopcount length
      (setq n (size ids))
      (setq recent (tensor_slice ids 0 (max 0 (- n context)) n))
      (setq new (torch_tensor (integers (next_id model recent 0.8))))
      (setq ids (torch_cat (list ids new) 0)))
   (torch_decode tokenizer ids))

; ---------------------------------------------------------------- the whole

(mkdir folder)
(torch_manual_seed seed)
(random_seed seed)

(setq text (the_corpus))
(setq tokenizer (the_tokenizer text))
(setq ids (torch_encode tokenizer text))
(setq entropy (unigram_entropy ids))
(println "text:" (size text) "characters," (size ids) "ids of" (torch_vocab_size tokenizer))

; Every tenth window is kept apart for validation.
(setq all (windows ids))
(setq total (@ (torch_shape (@ all 0)) 0))
(setq kept (filterlist (\(i) (= 0 (% i 10))) (iota0 total)))
(setq rest (filterlist (\(i) (!= 0 (% i 10))) (iota0 total)))
(defun rows(part numbers) (torch_index_select part 0 (torch_tensor numbers)))
(setq training (list (rows (@ all 0) rest) (rows (@ all 1) rest)))
(setq validation (list (rows (@ all 0) kept) (rows (@ all 1) kept)))

(setq model (torch_model_create "transformer" (dictionary
   "vocab_size" (torch_vocab_size tokenizer)
   "embed_dim" 128 "num_heads" 4 "num_layers" 2 "ffn_dim" 384
   "max_length" context)))
(setq optimizer (torch_optimizer model 0.002 "adamw"))
(println "model:" (weights model) "weights;" (size rest) "windows of" context "ids to learn from")

(setq history (torch_train model optimizer training "cross_entropy" (dictionary
   "epochs" epochs
   "batch_size" 32
   "clip_norm" 1.0
   "validation" validation
   "checkpoint" (in_folder "checkpoint.pt")
   "resume" true
   "progress" true
   "seed" seed)))

(setq losses (@ history "validation"))
(torch_plot_loss (dictionary "training" (@ history "loss") "validation" losses)
   (in_folder "loss.png") "Loss by epoch, in nats per id")

(setq reached (last@ losses))
(println "unigram entropy of the text:" entropy "nats per id")
(println "validation loss reached:    " reached "nats per id")
(println "files:" (in_folder "loss.png") (in_folder "checkpoint.pt"))
(println)
(println "A sample:")
(println (sample model tokenizer "The tensor " 60))

(if (> reached (* 0.75 entropy))
   (throw "the model has learned no more than the frequencies of its ids"))
