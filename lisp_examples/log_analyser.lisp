#!/usr/bin/env lispe
; What a log says: levels, hours, sources of errors, the slowest requests. It is
; read line by line; what is kept does not grow with the file.
;
;    lispe lisp_examples/log_analyser.lisp service.log [how many of the slowest]
;
; A line is   2031-04-09 08:05:03 ERROR [store] cannot reach the disk (1250ms)
; where the time at the end may be missing. Other lines are counted apart.

(setq entry (prgx `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [A-Z]+ \[[^\]]+\] .*`))
(setq took (prgx `\(\d+ms\)$`))

(setq levels (dictionary))
(setq hours (dictionary))
(setq errors (dictionary))
(setq slowest (list))
(setq total 0)
(setq strange 0)

(defun more (counts key) (+= (@ counts key) 1))

; Milliseconds at the end of a line, -1 if it tells none.
(defun milliseconds (line)
   (setq found (prgx_find took line))
   (if (= found "") -1 (integer (middle found 1 -1))))

; The slowest so far, at most `kept` of them, in order.
(defun remember (kept time line)
   (setq place 0)
   (loop found slowest
      (if (< (@ found 0) time) (break))
      (+= place 1))
   (if (< place kept)
      (block
         (insert slowest (list time line) place)
         (if (> (size slowest) kept) (poplast slowest)))))

(defun analyse (line kept)
   (+= total 1)
   (if (prgx_match entry line)
      (block
         (setq words (split line " "))
         (setq level (@ words 2))
         (more levels level)
         (more hours (left (@ words 1) 2))
         (if (= level "ERROR") (more errors (@@ line "[" "]")))
         (setq time (milliseconds line))
         (if (>= time 0) (remember kept time line)))
      (+= strange 1)))

(defun read_log (path kept)
   (setq source (file path 'r))
   (setq line (file_readline source))
   (while (!= line "")
      (analyse (trimright line) kept)
      (setq line (file_readline source)))
   (file_close source))

(defun report (title counts)
   (println)
   (println title)
   (loop key (sort '< (keys@ counts))
      (println (+ "  " (padding key " " 10) (padding (string (key@ counts key)) " " -8)))))

(if (= (size _args) 0) (throw "usage: log_analyser.lisp service.log [how many of the slowest]"))
(setq kept (if (> (size _args) 1) (integer (@ _args 1)) 5))
(read_log (@ _args 0) kept)

(println total "lines," strange "of another form")
(report "levels" levels)
(report "hours" hours)
(report "errors by source" errors)
(println)
(println "slowest")
(loop found slowest (println (+ "  " (padding (string (@ found 0)) " " -8) " ms  ") (@ found 1)))
