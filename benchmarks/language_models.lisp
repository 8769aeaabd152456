; What benchmarks/language_models.py times.

(use 'lispe_torch)

; Load a model, and write it as a folder that transformers can open.
(defun open_model(path folder)
   (setg handle (torch_hf_load_model path))
   (setg words (torch_hf_tokenizer path))
   (torch_hf_save_model handle folder))

(defun greedy(ids count)
   (torch_hf_generate handle ids nil count (dictionary "greedy" true)))

; A function that makes one training step of fresh adapters.
(defun lora_step(folder rank targets)
   (setq model (torch_hf_model (torch_hf_load_model folder)))
   (torch_lora_apply model (dictionary "rank" rank "alpha" (* 2 rank) "target_modules" targets))
   (torch_model_train model)
   (setq optimizer (torch_optimizer model 0.001 "adamw"))
   (lambda (inputs targets)
      (setq loss (torch_cross_entropy (torch_forward model inputs) targets))
      (torch_optimizer_zero_grad optimizer)
      (torch_backward loss)
      (torch_optimizer_step optimizer)
      loss))

(defun attention(q k v) (torch_flash_attention q k v))

(defun quantised(kind)
   (if (= kind "float32")
      (torch_hf_model handle)
      (torch_model_quantize_dynamic (torch_hf_model handle) kind)))

; A function that continues ids by so many.
(defun generating(model count)
   (setq generator (torch_generator_create model))
   (torch_generator_config generator (dictionary "max_length" count "eos_token_id" -1))
   (lambda (ids) (torch_generate generator ids)))
