-- A machine that took over once.
INSERT INTO standby (id, gateway, epoch) VALUES (1, 'q3VbJw0pXk7TzR1d', 2);
