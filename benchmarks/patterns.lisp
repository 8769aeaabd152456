; The LispE side of benchmarks/patterns.py, which has the same programs in Python.

; ---------------------------------------------------------------- patterns

(defpat fizzbuzz ([integer_ (= 0 (% x 15))]) "fizzbuzz")
(defpat fizzbuzz ([integer_ (= 0 (% x 3))]) "fizz")
(defpat fizzbuzz ([integer_ (= 0 (% x 5))]) "buzz")
(defpat fizzbuzz (x) x)

(defun fizzbuzzes(n)
   (setq texts 0)
   (setq i 1)
   (while (<= i n)
      (if (stringp (fizzbuzz i)) (+= texts 1))
      (+= i 1))
   texts)

; The derivative of a formula by x, as it comes.
(defpat derive (('+ a b)) (list '+ (derive a) (derive b)))
(defpat derive (('- a b)) (list '- (derive a) (derive b)))
(defpat derive (('* a b)) (list '+ (list '* (derive a) b) (list '* a (derive b))))
(defpat derive (('^ a [integer_ n])) (list '* (list '* n (list '^ a (- n 1))) (derive a)))
(defpat derive (('sin a)) (list '* (list 'cos a) (derive a)))
(defpat derive ('x) 1)
(defpat derive (c) 0)

(setq formula '(+ (* (^ x 3) (sin (* 2 x))) (- (* 4 (^ x 2)) (* (sin x) (+ x 7)))))

(defun derivatives(n)
   (loopcount n (setq found (derive formula)))
   (string found))

; ---------------------------------------------------------------- classes

(class@ Account (owner (balance 0))
   (defun deposit(amount) (setqi balance (+ balance amount)))
   (defun charge(amount) (setqi balance (- balance (+ amount (fee)))))
   (defun fee() 2))

(class@ Business (vat) (from@ Account)
   (defun fee() (if (> balance 1000) vat 3)))

(defun trade(n)
   (setq private (Account "Ada"))
   (setq firm (Business 5 "Ltd"))
   (loopcount n i
      (private (deposit i))
      (private (charge 1))
      (firm (deposit i))
      (firm (charge 1)))
   (+ (@ private 'balance) (@ firm 'balance)))

; ---------------------------------------------------------------- macros

(defmacro square_of(x) (* x x))
(defmacro swap_(x y) (block (setq kept_ x) (setq x y) (setq y kept_)))
(defmacro unless_(test_ body) (if test_ nil body))
(defmacro from_to(i low high body) (block (setq i low) (while (< i high) body (+= i 1))))

(defun macros(n)
   (setq a 1)
   (setq b 2)
   (setq total 0)
   (from_to i 0 n (block
      (unless_ (= 0 (% i 3)) (+= total (square_of (- a b))))
      (swap_ a b)
      (setq a (% (+ a i) 17))))
   total)
