/// (front page follows)
