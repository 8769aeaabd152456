; Functions: definitions, defaults, the rest of the arguments, recursion, capture.

(defun double(x) (* 2 x))
(test "a function" (double 4) 8)
(test_error "an argument too many" (double 1 2) "number of arguments")
(test_error "an argument too few" (double) "number of arguments")

(defun twice_later(x) (later (later x)))
(defun later(x) (+ x 1))
(test "a function may call one defined below it" (twice_later 1) 3)

(defun greet(name (greeting "hello")) (+ greeting " " name))
(test "a default is taken" (greet "you") "hello you")
(test "a default is replaced" (greet "you" "bye") "bye you")

(defun rest_of(x (() more)) (list x more))
(test "the rest of the arguments" (rest_of 1 2 3) '(1 (2 3)))
(test "no rest" (size (@ (rest_of 1) 1)) 0)

(defun counter()
   (setq n 0)
   (lambda () (+= n 1)))
(setq first_counter (counter))
(setq second_counter (counter))
(first_counter)
(first_counter)
(test "a lambda keeps the variable it captured" (first_counter) 3)
(test "each call has variables of its own" (second_counter) 1)

(defun make_adder(n) (lambda (x) (+ x n)))
(test "a function that makes functions" ((make_adder 5) 10) 15)

(defun sum_to(n total) (if (= n 0) total (sum_to (- n 1) (+ total n))))
(test "a call in tail position takes no stack" (sum_to 200000 0) 20000100000)

(defun depth(n) (if (= n 0) 0 (+ 1 (depth (- n 1)))))
(test "recursion of 100,000" (depth 100000) 100000)
(defun endless(n) (+ 1 (endless n)))
(test_error "recursion without end" (endless 1) "Stack overflow")

(defun trade(a b) (if (= a 0) b (trade (- a 1) a)))
(test "arguments of a tail call are computed before any is bound" (trade 3 10) 1)

(test "apply" (apply '+ '(1 2 3)) 6)
(test "an operator in a variable" (block (setq f '+) (f 1 2)) 3)
(test "a lambda at the head" ((lambda (x y) (* x y)) 6 7) 42)
