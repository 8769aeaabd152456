; Patterns, classes, macros, dictionaries, quoted data.

(defpat kind_of([]) "empty")
(defpat kind_of([a $ b]) "list")
(defpat kind_of((integer_ x)) "integer")
(defpat kind_of((string_ x)) "string")
(defpat kind_of(_) "other")
(test "a pattern for a list" (kind_of '(1 2)) "list")
(test "a pattern for a type" (maplist 'kind_of (list 1 "a" 2.5))
   (strings "integer" "string" "other"))

(defmacro unless_(test_ body) (if test_ nil body))
(test "a macro" (unless_ (= 1 2) "ran") "ran")
(test "a macro does not run what it leaves out" (unless_ (= 1 1) (throw "ran")) nil)

(class@ point (x (y 2))
   (defun total() (+ x y))
   (defun move(dx) (+= x dx)))
(setq p (point 10))
(test "a method" (p (total)) 12)
(p (move 5))
(test "a method changes a field" (p (total)) 17)

(setq d (dictionary "a" 1))
(set@ d "b" 2)
(test "a dictionary" (+ (@ d "a") (@ d "b")) 3)
(test "its size" (size d) 2)
(test_error "a missing key" (@ d "zzz") "out of bounds")
(test "a key that may be missing" (key@ d "zzz") nil)

(setq whole '(1 2 3))
(setq window (cdr whole))
(set@ window 0 99)
(test "cdr shares its list" whole '(1 99 3))

(test "flip exchanges two arguments" (flip (- 10 3)) -7)
(test "flip exchanges the first two members of what a call gives"
   (block (setq l '(1 2 3)) (list (flip (cdr l)) (flip (minmax '(4 9 6))) (flip '(1)) (flip l) l))
   '((3 2) (9 4) (1) (2 1 3) (1 2 3)))
(test "flip keeps the kind" (list (flip (iota 3)) (type (flip (iota 3)))) '((2 1 3) integers_))
(test "flip turns a dictionary round" (flip {"a":"b"}) {"b":"a"})
(test_error "flip of a text" (flip "ab") "cannot flip this element")
(test_error "flip of a matrix" (block (setq m (rho 2 2 (iota 4))) (flip m)) "cannot flip")

(test "mixed arithmetic follows the first operand" (+ 1 2.5) 3)
(test "and the other way round" (+ 2.5 1) 3.5)
(test "composed list functions" (sum (maplist '(* 2) (filterlist '(< 3) '(1 2 3 4 5)))) 18)
(test "code is data" (eval (list '+ 1 2)) 3)
