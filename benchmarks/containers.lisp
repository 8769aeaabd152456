; Whole-list work, as a program of the language writes it. See containers.py.

(defun total(l) (sum l))
(defun dot(a b) (sum (* a b)))
(defun plus(a b) (+ a b))
(defun scaled(a) (* a 3))
(defun sorted(l) (setq c (clone l)) (sort '< c))
(defun distinct(l) (unique l))
(defun running(l) (scan '+ l))
(defun kept_sum(l) (foldl (\(a x) (+ a x)) 0 (filter (\(x) (= 0 (% x 3))) (map (\(x) (+ 1 (* x 2))) l))))

; What must not be quadratic.
(defun append_all(n) (setq l ()) (loop i (iota0 n) (push l i)) (size l))
(defun walk(l) (setq n 0) (while l (+= n 1) (setq l (cdr l))) n)
(defun queue(n)
   (setq q (llist))
   (loop i (iota0 n) (pushlast q i))
   (setq s 0)
   (while q (+= s (car q)) (popfirst q))
   s)
(defun text(n) (setq s "") (loop i (iota0 n) (+= s "ab")) (size s))
(defun keys_of(n) (setq d (dictionaryi)) (loop i (iota0 n) (set@ d i 1)) (size d))
(defun cons_all(n) (setq l ()) (loop i (iota0 n) (setq l (cons i l))) (size l))

; Matrices.
(defun all_products(a b) (° '* a b))
(defun matrix_product(a b) (. '+ '* a b))
(defun life(m)
   (setq v (+ m (rotate m 1 true) (rotate m -1 true)))
   (setq s (+ v (rotate v 1) (rotate v -1)))
   (+ (== s 3) (* m (== s 4))))
