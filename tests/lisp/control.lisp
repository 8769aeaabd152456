; Tests, loops, blocks, errors.

(test "if" (if (> 3 2) "yes" "no") "yes")
(test "if without an else" (if nil 1) nil)
(test "an empty list is false" (if '() "full" "empty") "empty")
(test "ife takes many forms after the first" (ife nil 1 2 3) 3)
(test "cond takes the first that holds" (cond ((= 1 2) "a") ((= 1 1) "b") (true "c")) "b")
(test "check gives its last value" (check (= 1 1) 2 3) 3)
(test "check without a form is for its condition's sake"
   (block (setq l ()) (list (check (push l 1)) (check nil) l)) '(nil nil (1)))
(test_error "check without a condition" (eval '(check)) "Wrong number of arguments")
(test "ncheck gives its first form where the test fails" (ncheck (= 1 2) "no" "yes") "no")

(setq total 0)
(loop i '(1 2 3 4) (+= total i))
(test "loop" total 10)
(test "loop over a string" (block (setq s "") (loop c "abc" (setq s (+ c s))) s) "cba")
(test "break" (block (setq n 0) (loop i (iota 10) (if (= i 4) (break)) (+= n i)) n) 6)
(test "break leaves the walk of a list function"
   (list (maplist (\(x) (if (= x 3) (break) (* 2 x))) '(1 2 3 4))
      (mapcar (\(x) (check (= x 1) (break)) x) '(1 2))
      (zipwith (\(x y) (if (= x 3) (break) (+ x y))) '(1 2 3) '(4 5 6)))
   '((2 4) () (5 7)))
(test "break leaves a search, the kind is kept"
   (list (filterlist (\(c) (if (eq c "c") (break) (!= c "a"))) "abcde")
      (filtercar (\(x) (if (= x 3) (break) true)) (integers 1 2 3 4))
      (takelist (\(x) (if (= x 2) (break) true)) (integers 1 2 3))
      (droplist (\(x) (if (= x 2) (break))) '(1 2 3))
      (scanlist (\(x) (if (= x 2) (break) nil)) '(1 2 3)))
   '("b" (1 2) (1) () nil))
(test "break leaves the innermost walk or loop"
   (block (setq seen ())
      (loop i '(1 2 3)
         (push seen
            (maplist
               (\(x) (loop y '(7 8) (if (= y 8) (break))) (if (= x i) (break) x))
               '(1 2 3))))
      seen)
   '(() (1) (1 2)))
(defun breaks(x) (if (= x 2) (break) x))
(test "break of a named function leaves that alone" (mapcar 'breaks '(1 2 3)) '(1 nil 3))
(setq rounds 0)
(while (< rounds 5) (+= rounds 1))
(test "while" rounds 5)
(setq times 0)
(loopcount 7 (+= times 1))
(test "loopcount" times 7)

(defun early(x) (loop i (iota 10) (if (= i x) (return (+ "at " (string i))))) "never")
(test "return from within a loop" (early 3) "at 3")
(test "a function whose loop ends" (early 30) "never")

(test "and" (and (= 1 1) (= 2 2)) true)
(test "or stops at the first that holds" (block (setq seen nil) (or true (setq seen true)) seen)
   nil)

(test "maybe handles an error" (maybe (throw "bad") "handled") "handled")
(test "maybe without an error" (maybe 1 "handled") 1)
(test_error "throw" (throw "out of luck") "out of luck")
(test_error "an unknown name" (unknown_function 1) "unknown_function")
(test_error "division" (/ 1 0) "zero")
(test_output "println" (block (println "a" 1) (println 2.5)) "a 1\n2.5")
(test_output "print adds no line end" (block (print "a") (print "b")) "ab")
