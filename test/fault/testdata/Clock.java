/** Prints the time of day and the time of its timers, in milliseconds, ten times a second. */
public class Clock {
    public static void main(String[] args) throws InterruptedException {
        while (true) {
            System.out.println(System.currentTimeMillis() + " " + System.nanoTime() / 1_000_000);
            Thread.sleep(100);
        }
    }
}
