; The LispE side of benchmarks/core.py, which has the same programs in Python.

(defun fib(n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))

; A loop with integer arithmetic.
(defun collatz(limit)
   (setq longest 0)
   (setq start 1)
   (while (< start limit)
      (setq n start)
      (setq steps 0)
      (while (!= n 1)
         (if (= 0 (% n 2)) (setq n (>> n 1)) (setq n (+ 1 (* 3 n))))
         (+= steps 1))
      (if (> steps longest) (setq longest steps))
      (+= start 1))
   longest)

; Floating point: how many points of a grid stay near for 100 steps.
(defun mandelbrot(width height)
   (setq inside 0)
   (loop row (iota0 height)
      (setq ci (- (/ (* 2.0 row) height) 1.0))
      (loop column (iota0 width)
         (setq cr (- (/ (* 3.0 column) width) 2.0))
         (setq zr 0.0)
         (setq zi 0.0)
         (setq step 0)
         (while (and (< step 100) (< (+ (* zr zr) (* zi zi)) 4.0))
            (setq next (+ (- (* zr zr) (* zi zi)) cr))
            (setq zi (+ (* 2.0 (* zr zi)) ci))
            (setq zr next)
            (+= step 1))
         (if (= step 100) (+= inside 1))))
   inside)

; A list is built, then read by index: the sieve of Eratosthenes.
(defun sieve(limit)
   (setq flags (list))
   (loopcount limit (push flags 1))
   (setq i 2)
   (while (<= (* i i) (- limit 1))
      (if (= 1 (@ flags i))
         (block
            (setq j (* i i))
            (while (< j limit)
               (set@ flags j 0)
               (+= j i))))
      (+= i 1))
   (setq primes 0)
   (setq i 2)
   (while (< i limit)
      (+= primes (@ flags i))
      (+= i 1))
   primes)

; Recursion down a list: each step takes the first and goes on with the rest.
(defun total(l) (if (nullp l) 0 (+ (car l) (total (cdr l)))))
(defun numbers_to(n) (to_list (iota n)))

; A string grows at its end.
(defun text(n)
   (setq s "")
   (loop i (iota0 n)
      (setq s (+ s (string (% i 10)) ",")))
   (size s))

; Functions given to functions.
(defun squares(n)
   (setq l (maplist (lambda (x) (* x x)) (iota0 n)))
   (setq kept (filterlist (lambda (x) (= 0 (% x 3))) l))
   (sum kept))

; Counting words in a dictionary.
(defun count_words(words)
   (setq counts (dictionary))
   (loop w words
      (if (key@ counts w)
         (set@ counts w (+ 1 (@ counts w)))
         (set@ counts w 1)))
   (size counts))
